"""What `lab swarm` and `lab mutate` say of the contract before anything else, once: as every session does."""

from __future__ import annotations

from collections.abc import Callable

from lab.chains.processes.leftovers import sweep
from lab.deploy.deployer import Deployable
from lab.errors import EnvironmentFailure
from lab.explore.bench import tried
from lab.session.suite import compile_target
from lab.session.under_test import SystemUnderTest


def introduced(system: SystemUnderTest, run_id: str, say: Callable[[str], None]) -> Deployable:
    """The contract, compiled here, so that what is wrong with it is said once, and not by each worker.

    Then what of it never succeeds and what `lab.yaml` maps wrongly. Where no node can be had each worker says why.
    """
    target = compile_target(system)
    say(system.described(target.contract.name).line)
    sweep(say)
    try:
        lines = tried(run_id, system)
    except EnvironmentFailure:
        lines = []
    for line in lines:
        say(line)
    return target
