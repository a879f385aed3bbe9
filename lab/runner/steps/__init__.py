"""What the steps of a timeline do. To add one: its model in `lab/scenario/steps.py`, its function, one line below."""

from __future__ import annotations

from collections.abc import Callable

from lab.runner.run import Run
from lab.runner.steps import acting, control, judging
from lab.scenario.item import Step

STEPS: dict[str, Callable[[Run, Step], None]] = {
    "buffer": acting.buffer,
    "resolve": acting.resolve,
    "execute": acting.execute,
    "call": acting.call,
    "admin": acting.admin,
    "fault": control.fault,
    "heal": control.heal,
    "wait": control.wait,
    "until": judging.expect,
    "expect": judging.expect,
    "relayer": control.relayer,
}

__all__ = ["STEPS"]
