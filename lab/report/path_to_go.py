"""The shortest path to GO: open rows of the stage by what settles them, the most urgent and the most fruitful first."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from lab.html.text import clean
from lab.report.details import PathStep
from lab.report.grades import SETTLED, WORST_FIRST, RowVerdict
from lab.report.rows import STAGES, Stage
from lab.report.verdicts import RowResult

RUN_ALL = "pytest scenarios/"
MANY = 4

_Key = tuple[str, str]


def path_to_go(stage: Stage, rows: Iterable[RowResult]) -> tuple[PathStep, ...]:
    """Rows that one command can settle are one step. Must-pass rows come before the others of the same verdict."""
    within = STAGES[: STAGES.index(stage) + 1]
    groups: dict[_Key, list[RowResult]] = {}
    for row in rows:
        if row.stage in within and _is_open(row):
            for key in _actions(row):
                groups.setdefault(key, []).append(row)
    ordered = sorted(_merged(groups).items(), key=lambda entry: _order(*entry))
    return tuple(
        PathStep(
            rank=rank,
            rows=tuple(row.id for row in found),
            must_pass=sum(row.must_pass for row in found),
            verdict=_worst(found),
            owner=_owners(found),
            action=action,
            command=command,
        )
        for rank, ((action, command), found) in enumerate(ordered, start=1)
    )


def _owners(rows: list[RowResult]) -> str:
    owners = list(dict.fromkeys(row.owner or "nobody yet" for row in rows))
    more = f" and {len(owners) - 2} more" if len(owners) > 2 else ""
    return ", ".join(owners[:2]) + more


def _is_open(row: RowResult) -> bool:
    return row.verdict not in SETTLED or (row.verdict is RowVerdict.WAIVED and row.must_pass)


def _merged(groups: dict[_Key, list[RowResult]]) -> dict[_Key, list[RowResult]]:
    """Where many scenarios are to be run for the same reason, one command runs them all."""
    found: dict[_Key, list[RowResult]] = {}
    for (action, command), rows in groups.items():
        alike = [key for key in groups if key[0] == action and key[1].startswith("pytest ")]
        key = (action, RUN_ALL) if len(alike) > MANY and command.startswith("pytest ") else (action, command)
        merged = found.setdefault(key, [])
        merged += [row for row in rows if row not in merged]
    return found


def _order(key: _Key, rows: list[RowResult]) -> tuple[int, bool, bool, int, _Key]:
    worst = _worst(rows)
    must = any(row.must_pass for row in rows if row.verdict is worst)
    return WORST_FIRST.index(worst), not must, not key[1], -len(rows), key


def _worst(rows: list[RowResult]) -> RowVerdict:
    return min((row.verdict for row in rows), key=WORST_FIRST.index)


def _actions(row: RowResult) -> list[tuple[str, str]]:
    """What to do about a row, each with its command; empty text where no command does it."""
    if row.verdict in (RowVerdict.LIVE, RowVerdict.ATTESTATION_MISSING):
        what = "run it on the live network and attest the receipt" if row.row_class == "live" else "attest it"
        return [(what, f"lab attest {row.id}")]
    against = [found for found in row.evidence if found.verdict not in SETTLED]
    if row.verdict is RowVerdict.INFEASIBLE:
        return [("no run can settle it: change the target or the design", "")]
    if not row.proofs and row.verdict is not RowVerdict.NOT_RUN:
        repair = row.verdict is RowVerdict.FAIL
        return [("repair what was measured, and measure again" if repair else "measure more", "lab load")]
    if not row.proofs:
        return [("write the proof, and name it under the row in the checklist", "")]
    verb = "repair what fails" if row.verdict is RowVerdict.FAIL else "run what is missing or out of date"
    if row.verdict is RowVerdict.UNKNOWN and against:
        verb = "find out why the evidence is not conclusive, and run it again"
    recorded = {found.scenario for found in row.evidence if found.scenario}
    commands = [f"pytest {clean(name, 160)}" for name in sorted({found.scenario for found in against}) if name]
    for proof in row.proofs:
        if not any(_is_of(scenario, proof.scenario) for scenario in recorded):
            folder, _, stem = proof.scenario.rpartition("/")
            commands.append(f"pytest scenarios/{folder}" + (f" -k {stem}" if "*" not in stem else ""))
    return [(verb, command) for command in dict.fromkeys(commands)] or [(verb, RUN_ALL)]


def _is_of(scenario: str, proof: str) -> bool:
    return bool(scenario) and PurePosixPath(scenario).with_suffix("").match(proof)
