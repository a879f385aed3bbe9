"""The checks: one invariant a file, each a pure function from a recorded history to a result."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType
from typing import Protocol

from lab.checks.judgement import Check
from lab.checks.liveness import (
    l1_ready_in_time,
    l2_every_leg_ends,
    l3_queue_empty,
    l4_crash_recovery,
    l5_others_go_on,
    l6_bounded_sends,
    l7_bounded_requests,
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
from lab.model.checks import CHECK_TITLES
from lab.model.history import History
from lab.model.verdict import CheckResult, Verdict

__all__ = ["CHECKS", "DEFAULT_CHECKS", "Check", "Selection", "judge", "selected"]

_MODULES = (
    *(s1_state_order, s2_parent_final, s3_execution_order, s4_window, s5_once, s6_authority, s7_payload, s8_no_merge),
    *(s9_whole_flows, s10_emergency_stop, s11_storage, s12_store),
    *(l1_ready_in_time, l2_every_leg_ends, l3_queue_empty, l4_crash_recovery, l5_others_go_on, l6_bounded_sends),
    l7_bounded_requests,
)


def _check(module: ModuleType) -> Check:
    """The check of a module, whose name begins with the check's id."""
    name = module.__name__.rpartition(".")[2].partition("_")[0].upper()
    check = Check(name, CHECK_TITLES[name].demand, module.judge)
    own = {name: getattr(module, name) for name in ("concerns", "undeclared") if hasattr(module, name)}
    return replace(check, **own)


CHECKS: dict[str, Check] = {check.id: check for check in map(_check, _MODULES)}
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
    chosen = {*(DEFAULT_CHECKS if selection.default else ()), *selection.added} - set(selection.removed)
    return (*(id for id in CHECKS if id in chosen), *(id for id in selection.added if id in chosen - set(CHECKS)))


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
    if named and result.verdict is Verdict.NOT_EXERCISED and check.concerns(history) and not check.undeclared(history):
        reason = f"the scenario names this check, but its subject never occurred: {result.reason}"
        return result.model_copy(update={"verdict": Verdict.UNKNOWN, "reason": reason})
    return result
