"""Steps that let time pass, start and end faults, and start and stop the relayer."""

from __future__ import annotations

from typing import cast

from lab.checks.disturbances import STARTS_WITHIN_MS
from lab.faults import Fault
from lab.runner.run import Run
from lab.scenario.item import Step
from lab.scenario.steps import HealStep, RelayerStep, WaitStep

LOOK_MS = 250


def wait(run: Run, step: Step) -> None:
    """Let time pass."""
    run.advance_to(run.now_ms + cast("WaitStep", step.action).wait_ms, f"what follows {step.id}")


def fault(run: Run, step: Step) -> None:
    """Start a fault."""
    run.inject(step.id, cast("Fault", step.action))


def heal(run: Run, step: Step) -> None:
    """End a fault started before."""
    run.heal(cast("HealStep", step.action).heal)


def relayer(run: Run, step: Step) -> None:
    """Stop the relayer cleanly, or start it and wait until it asks for something, up to a bound."""
    control = run.lab.relayer
    if control is None:
        raise AssertionError("lint lets no relayer step pass in a scenario without a relayer")
    if cast("RelayerStep", step.action).relayer == "stop":
        control.stop()
        return
    control.start()
    # A process takes its time to begin, which is none of the waits that follow.
    begun_ms = run.now_ms
    while not control.ready and run.now_ms < begun_ms + STARTS_WITHIN_MS:
        run.lab.scheduler.advance_to(run.now_ms + LOOK_MS)
