"""`lab swarm`, `lab mutate` and `lab merge` as they are typed. What they do is loaded when called."""

from __future__ import annotations

import typer

from lab.commands.explore.requests import MergeRequest, MutateRequest, SwarmRequest
from lab.commands.options import command_of


def swarm(request: SwarmRequest) -> None:
    """Run random flows, faults and timings, and shrink failures. Exit code 0: no FAIL, 1: FAIL, 3: too many UNKNOWN."""
    from lab.commands.explore.swarm import swarm
    from lab.commands.explore.swarm_monitor import swarm_monitored

    raise typer.Exit(swarm_monitored(request) if request.monitor else swarm(request))


def mutate(request: MutateRequest) -> None:
    """Mutate the contract's source and count the mutants that the scenarios catch. Exit code 0: 95 % or more."""
    from lab.commands.explore.mutate import mutate

    raise typer.Exit(mutate(request))


def merge(request: MergeRequest) -> None:
    """Join what the parts of a swarm or a mutation run found. Exit code as if one machine had done all; gaps: 3."""
    from lab.commands.explore.merge import merge

    raise typer.Exit(merge(request))


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command()(command_of(SwarmRequest, swarm))
    app.command()(command_of(MutateRequest, mutate))
    app.command()(command_of(MergeRequest, merge))
