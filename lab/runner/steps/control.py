"""Steps that let time pass, start and end faults, and start and stop the relayer."""

from __future__ import annotations

from typing import cast

from lab.faults import Fault
from lab.runner.run import Run
from lab.scenario.item import Step
from lab.scenario.steps import HealStep, RelayerStep, WaitStep


def wait(run: Run, step: Step) -> None:
    """Let time pass."""
    run.lab.scheduler.advance_to(run.now_ms + cast("WaitStep", step.action).wait_ms)


def fault(run: Run, step: Step) -> None:
    """Start a fault."""
    run.inject(step.id, cast("Fault", step.action))


def heal(run: Run, step: Step) -> None:
    """End a fault started before."""
    run.heal(cast("HealStep", step.action).heal)


def relayer(run: Run, step: Step) -> None:
    """Stop or start the relayer cleanly."""
    control = run.lab.relayer
    if control is None:
        raise AssertionError("lint lets no relayer step pass in a scenario without a relayer")
    if cast("RelayerStep", step.action).relayer == "stop":
        control.stop()
    else:
        control.start()
