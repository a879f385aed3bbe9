"""The command `lab load`. What it does is loaded when it is called."""

from __future__ import annotations

import typer

from lab.commands.load.request import LoadRequest
from lab.commands.options import command_of


def load(request: LoadRequest) -> None:
    """Run a load test. Exit code 0: criteria met, 1: missed, 3: invalid, infeasible or unknown."""
    from lab.commands.load.actions import load as run

    raise typer.Exit(run(request))


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(command_of(LoadRequest, load))
