"""What `lab swarm` and `lab mutate` say of the contract before anything else, once: as every session does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from lab.chains.processes.leftovers import sweep
from lab.deploy.deployer import Deployable
from lab.errors import EnvironmentFailure
from lab.explore.bench import tried
from lab.session.suite import compile_target
from lab.session.under_test import SystemUnderTest


def introduced(system: SystemUnderTest, say: Callable[[str], None]) -> Deployable:
    """The contract, compiled here, so that what is wrong with it is said once, and not by each worker."""
    target = compile_target(system)
    say(system.described(target.contract.name).line)
    sweep(say)
    return target


def say_trouble(run_id: str, system: SystemUnderTest, say: Callable[[str], None]) -> None:
    """What of the contract never succeeds and what `lab.yaml` maps wrongly; nothing where no node can be had.

    Then each worker says why.
    """
    with suppress(EnvironmentFailure):
        for line in tried(run_id, system):
            say(line)
