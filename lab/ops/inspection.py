"""Procedures that only look: the operators, drift of the chains from what is declared, health."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from lab.errors import DeployFailure, LabError
from lab.ops.chain import OperatedChain
from lab.ops.health import Expected, Finding, examine
from lab.ops.operation import Operation
from lab.ops.planning import Plan
from lab.ops.procedures.operators import UNLISTED, ever_operators, knows_operators, unasked
from lab.ops.procedures.rotation import names_proposed, pending_of, safe_problems
from lab.ops.report import ChainReport, Report, absent_reports, report_id, write_evidence
from lab.ops.state import ChainState, called, read_final

UNNAMED = "the contract does not say who is proposed as owner: a hand-over that waits to be accepted is not seen"
HEAD_AGE_BLOCKS, HEAD_AGE_MIN_S = 10, 30.0


@dataclass(slots=True)
class Look:
    """What was seen on one chain: `differences` from what is declared, `notes` for people, the state."""

    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    state: ChainState | None = None
    unknown: bool = False


def inspect_chains(
    operation: Operation, name: str, look: Callable[[OperatedChain], Look], only: tuple[str, ...] = ()
) -> Report:
    """Look at every chain at once. A chain that cannot be read is unknown. The evidence is written."""
    chains = operation.select(only)
    begun_s = operation.timing.unix()

    def one(chain: OperatedChain) -> ChainReport:
        report = ChainReport(chain.name, "unknown", Plan(chain.name))
        try:
            seen = look(chain)
            report.after, report.left = seen.state, seen.differences
            report.plan = Plan(chain.name, seen.state, notes=tuple(seen.notes))
            report.standing = "unknown" if seen.unknown else "differs" if seen.differences else "equal"
        except LabError as error:
            report.left = [str(error)]
        report.seconds = operation.timing.unix() - begun_s
        return report

    reports: dict[str, Any] = operation.timing.everywhere({chain.name: partial(one, chain) for chain in chains})
    made = [*(reports[chain.name] for chain in chains), *absent_reports(operation, only)]
    report = Report(report_id(operation, name), name, operation.name, operation.who, "nobody sends", made)
    write_evidence(operation, report)
    return report


def look_at_operators(operation: Operation, chain: OperatedChain) -> Look:
    """Who is an operator as of the final block, and where that is not the declared list."""
    declared = operation.declared[chain.name].operators
    state = read_final(chain, (*declared, *ever_operators(operation, chain)), operation.timing)
    notes = [*unasked(chain, state), *([] if knows_operators(chain) else [UNLISTED])]
    return Look(_operator_differences(declared, state), notes, state)


def look_for_drift(operation: Operation, chain: OperatedChain) -> Look:
    """Everything that the file declares, as of the final block."""
    declared = operation.declared[chain.name]
    seen = look_at_operators(operation, chain)
    state = seen.state
    assert state is not None
    pending = pending_of(operation, chain, state)
    if chain.codec.has("accept_ownership") and not names_proposed(chain):
        seen.notes.append(UNNAMED)
    if state.owner != declared.owner:
        proposed = ", who is pending and has yet to accept" if pending == declared.owner else ""
        seen.differences.append(f"expected {declared.owner} to be the owner{proposed}, it is {state.owner}")
    elif pending not in (None, declared.owner):
        seen.differences.append(f"expected nobody to become owner, {pending} is pending")
    else:
        seen.differences += safe_problems(operation, chain, declared.owner)
    window_s = state.settings.get("coordination_window")
    if declared.window_s is not None and window_s != declared.window_s:
        present = "it has none" if window_s is None else f"it is {window_s} s"
        seen.differences.append(f"expected a coordination window of {declared.window_s} s, {present}")
    return seen


def _operator_differences(declared: Sequence[str], state: ChainState) -> list[str]:
    return [
        f"expected {account} {'' if account in declared else 'not '}to be {called(role)}"
        for account in state.operators
        for role, given in state.roles(account).items()
        if given != (account in declared)
    ]


def expected_of(
    operation: Operation, chain: OperatedChain, *, code_sha256: str | None = None, balance_min_wei: int = 0
) -> Expected:
    """What the file declares of one chain, for `examine`. Raises an RpcFailure for a node that is silent."""
    declared, profile = operation.declared[chain.name], chain.target.profile
    strangers = [account for account in ever_operators(operation, chain) if account not in declared.operators]
    return Expected(
        chain_id=chain.chain_id,
        address=chain.contract,
        code_sha256=code_sha256,
        owner=declared.owner,
        operators=declared.operators,
        strangers=tuple(strangers),
        window_s=declared.window_s,
        head_age_max_s=max(HEAD_AGE_MIN_S, HEAD_AGE_BLOCKS * profile.block_time_ms / 1000)
        if profile.mines_empty_blocks
        else float("inf"),
        balance_min_wei=balance_min_wei,
    )


def look_at_health(operation: Operation, chain: OperatedChain, expected: Expected | None = None, **given: Any) -> Look:
    """Whether it runs, and is as declared. A silent node is unknown, no finding of the contract."""
    findings = health_findings(operation, chain, expected, **given)
    return Look([f"{finding.kind}: {finding.text}" for finding in findings], unknown=_silent(findings))


def health_findings(
    operation: Operation, chain: OperatedChain, expected: Expected | None = None, **given: Any
) -> list[Finding]:
    """The findings themselves; `given` goes to `expected_of`."""
    try:
        desired = expected or expected_of(operation, chain, **given)
        return examine(chain.rpc, chain.codec, chain.numbering, desired, now=operation.timing.unix())
    except DeployFailure as failure:
        return [Finding("contract", str(failure))]
    except ValueError as error:
        return [Finding("contract", f"expected the documented getters to answer: {error}")]
    except LabError as error:
        return [Finding("node", f"expected the node to answer: {error}")]


def _silent(findings: Sequence[Finding]) -> bool:
    return any(finding.kind == "node" for finding in findings)
