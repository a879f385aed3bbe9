"""The checks: one invariant a file, each a pure function from a recorded history to a result."""

from __future__ import annotations

from typing import Protocol

from lab.checks.judgement import Check
from lab.checks.liveness import (
    l1_ready_in_time,
    l2_every_leg_ends,
    l3_queue_empty,
    l4_crash_recovery,
    l5_others_go_on,
    l6_bounded_sends,
)
from lab.checks.safety import (
    s1_state_order,
    s2_parent_final,
    s3_execution_order,
    s4_window,
    s5_once,
    s6_authority,
    s7_payload,
    s8_no_merge,
    s9_whole_flows,
    s10_emergency_stop,
    s11_storage,
    s12_store,
)
from lab.model.history import History
from lab.model.verdict import CheckResult, Verdict

__all__ = ["CHECKS", "DEFAULT_CHECKS", "Check", "Selection", "judge", "selected"]

CHECKS: dict[str, Check] = {
    check.id: check
    for check in (
        Check("S1", "States only go forward, each once", s1_state_order.judge),
        Check("S2", "A child is READY only on a final parent", s2_parent_final.judge),
        Check("S3", "A child is EXECUTED only after its parent", s3_execution_order.judge),
        Check("S4", "READY only within the coordination window", s4_window.judge),
        Check("S5", "Everything happens at most once per transaction", s5_once.judge),
        Check("S6", "Only operators and the owner change state", s6_authority.judge),
        Check("S7", "Payloads are stored as given, up to 512 bytes", s7_payload.judge),
        Check("S8", "One tx_id on two chains never merges", s8_no_merge.judge),
        Check("S9", "No flow ends half done", s9_whole_flows.judge),
        Check("S10", "The emergency stop stops everything but the owner", s10_emergency_stop.judge),
        Check("S11", "Events and calls reproduce the storage", s11_storage.judge),
        Check("S12", "The relayer's store equals the chains' effects", s12_store.judge),
        Check("L1", "READY within the liveness bound", l1_ready_in_time.judge),
        Check("L2", "Every buffered leg ends", l2_every_leg_ends.judge),
        Check("L3", "The relayer's queue is empty, without a nonce gap", l3_queue_empty.judge),
        Check("L4", "A crash changes no result", l4_crash_recovery.judge),
        Check("L5", "One chain down leaves the others going", l5_others_go_on.judge),
        Check("L6", "Transactions sent per call are bounded", l6_bounded_sends.judge),
    )
}
DEFAULT_CHECKS: tuple[str, ...] = tuple(CHECKS)


class Selection(Protocol):
    """Which checks a scenario asks for; the scenario's own record has this shape."""

    @property
    def default(self) -> bool:
        """Whether the default checks are in."""

    @property
    def added(self) -> tuple[str, ...]:
        """Checks that the scenario names."""

    @property
    def removed(self) -> tuple[str, ...]:
        """Checks taken out of the default ones."""


def selected(selection: Selection) -> tuple[str, ...]:
    """The ids to judge, in the registry's order; a named one that does not exist comes last."""
    wanted = {*(DEFAULT_CHECKS if selection.default else ()), *selection.added} - set(selection.removed)
    return (*(id for id in CHECKS if id in wanted), *(id for id in selection.added if id in wanted - set(CHECKS)))


def judge(history: History, selection: Selection) -> tuple[CheckResult, ...]:
    """Runs the selected checks. A check that crashes, or that is named and finds nothing to judge, is UNKNOWN."""
    return tuple(_run(id, history, named=id in selection.added) for id in selected(selection))


def _run(id: str, history: History, *, named: bool) -> CheckResult:
    check = CHECKS.get(id)
    if check is None:
        reason = f"expected one of {', '.join(CHECKS)}, got {id}: no such check"
        return CheckResult(check=id, verdict=Verdict.UNKNOWN, reason=reason)
    try:
        result = check.judge(history)
    except Exception as error:
        reason = f"the check crashed: {type(error).__name__}: {error}"
        return CheckResult(check=id, verdict=Verdict.UNKNOWN, reason=reason)
    if named and result.verdict is Verdict.NOT_EXERCISED:
        reason = f"the scenario names this check, but its subject never occurred: {result.reason}"
        return result.model_copy(update={"verdict": Verdict.UNKNOWN, "reason": reason})
    return result
