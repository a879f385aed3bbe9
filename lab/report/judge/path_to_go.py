"""The shortest path to GO: open rows of the stage by what settles them, the most urgent and the most fruitful first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lab.html.text import some
from lab.report.catalogue.rows import STAGES, Proof, Stage
from lab.report.judge.commands import Commands
from lab.report.records.report import PathStep
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import SETTLED, RowVerdict, worst

MANY = 4
_VERBS = {
    RowVerdict.FAIL: "repair what fails",
    RowVerdict.UNKNOWN: "find out why the evidence is not conclusive, and run it again",
}
_RUN = "run what is missing or out of date"


@dataclass(frozen=True, slots=True)
class _Action:
    """What to do; `command` is empty where no command does it. `urgency` orders actions, and is no row's verdict."""

    verb: str
    command: str
    urgency: RowVerdict
    owner: str = ""
    needs: str = ""


def path_to_go(stage: Stage, rows: Iterable[RowResult], commands: Commands) -> tuple[PathStep, ...]:
    """Rows that one command can settle are one step. Must-pass rows come before the others of the same urgency."""
    within = STAGES[: STAGES.index(stage) + 1]
    rows = tuple(rows)
    proofs = {proof.scenario: proof for row in rows for proof in row.proofs}
    groups: dict[_Action, list[RowResult]] = {}
    for row in rows:
        if row.stage in within and row.is_open:
            for action in _actions(row, proofs, commands):
                groups.setdefault(action, []).append(row)
    steps = sorted(_merged(groups, commands.all_scenarios).items(), key=lambda entry: _order(*entry))
    return tuple(
        PathStep(
            rank=rank,
            rows=tuple(row.id for row in affected),
            must_pass=sum(row.must_pass for row in affected),
            verdict=worst(row.verdict for row in affected),
            owner=_owners(affected),
            action=action.verb,
            needs=action.needs,
            command=action.command.replace("ROW", affected[0].id) if len(affected) == 1 else action.command,
        )
        for rank, (action, affected) in enumerate(steps, start=1)
    )


def _owners(rows: list[RowResult]) -> str:
    return some(list(dict.fromkeys(row.owner or "nobody yet" for row in rows)), 2)


def _merged(groups: dict[_Action, list[RowResult]], run_all: str) -> dict[_Action, list[RowResult]]:
    """One step for each command, called by its most urgent reason. Must-pass rows come first.

    Where many scenarios of the library are only to be run, one command runs them all.
    """
    of_library = {action.command for action in groups if action.verb == _RUN and action.command.startswith(run_all)}
    alike: dict[_Action, list[_Action]] = {}
    for action in groups:
        same = action if not action.command else replace(action, verb="", urgency=RowVerdict.PASS)
        if action.verb == _RUN and action.command in of_library and len(of_library) > MANY:
            same = replace(same, command=run_all, needs="")
        alike.setdefault(same, []).append(action)
    steps: dict[_Action, list[RowResult]] = {}
    for same, actions in alike.items():
        rows = {row.id: row for action in actions for row in groups[action]}
        first = min(actions, key=lambda action: action.urgency.rank)
        step = replace(first, command=same.command, needs=same.needs)
        steps[step] = sorted(rows.values(), key=lambda row: not row.must_pass)
    return steps


def _order(action: _Action, rows: list[RowResult]) -> tuple[int, bool, bool, int, str, str]:
    must = any(row.must_pass for row in rows)
    return action.urgency.rank, not must, not action.command, -len(rows), action.verb, action.command


def _actions(row: RowResult, proofs: Mapping[str, Proof], commands: Commands) -> list[_Action]:
    """What can be done about a row, each piece of evidence by what is wrong with it."""
    if row.verdict in (RowVerdict.LIVE, RowVerdict.ATTESTATION_MISSING):
        what = "run it on the live network and attest the receipt" if row.row_class == "live" else "attest it"
        # Each needs a document of its own, so the step is a person's, not a command's.
        return [_Action(what, "lab attest ROW", row.verdict, row.owner)]
    if row.verdict is RowVerdict.INFEASIBLE:
        change = "no run can settle it: change the target or the design"
        if row.must_pass:
            return [_Action(change, "", row.verdict)]
        return [_Action(f"{change}, or have it waived", "lab attest ROW --waive", row.verdict)]
    if not row.proofs and not row.measured_by and row.verdict is RowVerdict.NOT_RUN:
        return [_Action("write the proof, and name it under the row in the checklist", "", row.verdict)]
    actions = [*_to_measure(row, commands), *_to_run(row, proofs, commands)]
    return list(dict.fromkeys(actions)) or [_Action(_VERBS.get(row.verdict, _RUN), commands.all_scenarios, row.verdict)]


def _to_run(row: RowResult, proofs: Mapping[str, Proof], commands: Commands) -> Iterator[_Action]:
    """The scenarios whose evidence does not settle the row, and those without any. `proofs` are those of all rows."""
    if not row.proofs:
        return
    recorded = {evidence.scenario for evidence in row.evidence if evidence.scenario}
    for evidence in row.evidence:
        if evidence.verdict not in SETTLED and evidence.scenario:
            command = commands.recorded(evidence.scenario)
            where = "" if command else f": {evidence.scenario}, which is not in this folder"
            lacking = f"give the contract what it lacks ({some(evidence.lacks, 2)}), and run it again"
            verb = lacking if evidence.lacks else _VERBS.get(evidence.verdict, _RUN)
            yield _Action(verb + where, command, evidence.verdict)
    for proof in row.proofs:
        if not any(proof.matches(scenario) for scenario in recorded):
            yield _to_prove(proof, commands)
    for name in row.missing:
        yield _to_prove(proofs.get(named := name.removeprefix("scenarios/")) or Proof(scenario=named), commands)


def _to_prove(proof: Proof, commands: Commands) -> _Action:
    command = commands.proof(proof)
    verb = _RUN if command else f"write the scenario {proof.scenario}, which nobody has yet"
    return _Action(verb, command, RowVerdict.NOT_RUN, needs=proof.needs)


def _to_measure(row: RowResult, commands: Commands) -> list[_Action]:
    """What there is to measure, once more or at all; nothing where the figures are well."""
    measured = [evidence.verdict for evidence in row.evidence if not evidence.scenario]
    if not measured and not row.proofs and row.verdict is not RowVerdict.NOT_RUN:
        # Scenario runs gave the figure, and have no folder in common that would be its evidence.
        measured = [row.verdict]
    unsettled = [verdict for verdict in measured if verdict not in SETTLED]
    command = commands.measured_by(row.measured_by or ("lab live status" if row.row_class == "live" else "lab load"))
    if unsettled:
        repair = RowVerdict.FAIL in unsettled
        verb = "repair what was measured, and measure again" if repair else "measure more, or again"
        return [_Action(verb, command, worst(unsettled))]
    missing = not measured and (row.measured_by or not row.proofs)
    return [_Action("measure it", command, RowVerdict.NOT_RUN)] if missing else []
