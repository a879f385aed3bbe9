"""The shortest path to GO: open rows of the stage by what settles them, the most urgent and the most fruitful first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.html.text import clean
from lab.report.catalogue.rows import STAGES, Stage
from lab.report.records.report import PathStep
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import SETTLED, WORST_FIRST, RowVerdict

RUN_ALL = "pytest scenarios/"
MANY = 4
_VERBS = {
    RowVerdict.FAIL: "repair what fails",
    RowVerdict.UNKNOWN: "find out why the evidence is not conclusive, and run it again",
}
_RUN = "run what is missing or out of date"


@dataclass(frozen=True, slots=True)
class _Action:
    """What to do; `grade` is what the row suffers from, `command` is empty where no command does it."""

    verb: str
    command: str
    grade: RowVerdict
    owner: str = ""


def path_to_go(stage: Stage, rows: Iterable[RowResult]) -> tuple[PathStep, ...]:
    """Rows that one command can settle are one step. Must-pass rows come before the others of the same verdict."""
    within = STAGES[: STAGES.index(stage) + 1]
    groups: dict[_Action, list[RowResult]] = {}
    for row in rows:
        if row.stage in within and _is_open(row):
            for action in _actions(row):
                groups.setdefault(action, []).append(row)
    ordered = sorted(_merged(groups).items(), key=lambda entry: _order(*entry))
    return tuple(
        PathStep(
            rank=rank,
            rows=tuple(row.id for row in affected),
            must_pass=sum(row.must_pass for row in affected),
            verdict=action.grade,
            owner=_owners(affected),
            action=action.verb,
            command=action.command.replace("ROW", affected[0].id) if len(affected) == 1 else action.command,
        )
        for rank, (action, affected) in enumerate(ordered, start=1)
    )


def _owners(rows: list[RowResult]) -> str:
    owners = list(dict.fromkeys(row.owner or "nobody yet" for row in rows))
    more = f" and {len(owners) - 2} more" if len(owners) > 2 else ""
    return ", ".join(owners[:2]) + more


def _is_open(row: RowResult) -> bool:
    return row.verdict not in SETTLED or (row.verdict is RowVerdict.WAIVED and row.must_pass)


def _merged(groups: dict[_Action, list[RowResult]]) -> dict[_Action, list[RowResult]]:
    """Where many scenarios are only to be run, one command runs them all. Must-pass rows come first."""
    runs = [action for action in groups if action.verb == _RUN]
    steps: dict[_Action, list[RowResult]] = {}
    for action, rows in groups.items():
        if action.verb == _RUN:
            command = RUN_ALL if len({run.command for run in runs}) > MANY else action.command
            worst = min((run.grade for run in runs if command in (RUN_ALL, run.command)), key=WORST_FIRST.index)
            action = _Action(_RUN, command, worst)
        merged = steps.setdefault(action, [])
        merged += [row for row in rows if row not in merged]
    return {action: sorted(rows, key=lambda row: not row.must_pass) for action, rows in steps.items()}


def _order(action: _Action, rows: list[RowResult]) -> tuple[int, bool, bool, int, str, str]:
    must = any(row.must_pass for row in rows)
    return WORST_FIRST.index(action.grade), not must, not action.command, -len(rows), action.verb, action.command


def _actions(row: RowResult) -> list[_Action]:
    """What can be done about a row, each piece of evidence by what is wrong with it."""
    if row.verdict in (RowVerdict.LIVE, RowVerdict.ATTESTATION_MISSING):
        what = "run it on the live network and attest the receipt" if row.row_class == "live" else "attest it"
        # Each needs a document of its own, so the step is a person's, not a command's.
        return [_Action(what, "lab attest ROW", row.verdict, row.owner)]
    if row.verdict is RowVerdict.INFEASIBLE:
        return [_Action("no run can settle it: change the target or the design", "", row.verdict)]
    if not row.proofs and not row.measured_by and row.verdict is RowVerdict.NOT_RUN:
        return [_Action("write the proof, and name it under the row in the checklist", "", row.verdict)]
    actions = _to_measure(row)
    if not row.proofs:
        return actions
    actions += [
        _Action(_VERBS.get(evidence.verdict, _RUN), f"pytest {clean(evidence.scenario, 160)}", evidence.verdict)
        for evidence in row.evidence
        if evidence.verdict not in SETTLED and evidence.scenario
    ]
    recorded = {evidence.scenario for evidence in row.evidence if evidence.scenario}
    for proof in row.proofs:
        if not any(proof.matches(scenario) for scenario in recorded):
            folder, _, stem = proof.scenario.rpartition("/")
            command = f"pytest scenarios/{folder if '*' not in folder else ''}"
            command += f" -k {stem}" if "*" not in stem else ""
            actions.append(_Action(_RUN, command, RowVerdict.NOT_RUN))
    return list(dict.fromkeys(actions)) or [_Action(_VERBS.get(row.verdict, _RUN), RUN_ALL, row.verdict)]


def _to_measure(row: RowResult) -> list[_Action]:
    """What there is to measure, once more or at all; nothing where the figures are well."""
    measured = [evidence.verdict for evidence in row.evidence if not evidence.scenario]
    worst = min((verdict for verdict in measured if verdict not in SETTLED), key=WORST_FIRST.index, default=None)
    command = row.measured_by or "lab load"
    if worst is None:
        missing = not measured and (row.measured_by or not row.proofs)
        return [_Action("measure it", command, RowVerdict.NOT_RUN)] if missing else []
    repair = worst is RowVerdict.FAIL
    verb = "repair what was measured, and measure again" if repair else "measure more, or again"
    return [_Action(verb, command, worst)]
