"""`lab up` as it is typed: its options and their help. What it does is loaded when it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import command_of
from lab.commands.parameters import Backend, BackendChoice, Results

RESULTS = Path("results")


@dataclass(frozen=True, slots=True)
class UpRequest:
    """The command line."""

    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NETWORK]...", help="Networks, profile files, or NAME=NETWORK. Default: ethereum optimism."
        ),
    ] = None
    everything: Annotated[bool, typer.Option("--all", help="Start all five main networks.")] = False
    backend: Backend = BackendChoice.auto
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None
    relayer: Annotated[bool, typer.Option(help="Run a relayer.")] = True
    relayer_cmd: Annotated[
        str | None, typer.Option(help="Command of your own relayer; {session} or LAB_SESSION is the session file.")
    ] = None
    speed: Annotated[str, typer.Option(help="Seconds of chain time in one of the wall's (1 to 50).")] = "1"
    foreground: Annotated[bool, typer.Option("--foreground", help="Run in the foreground until Ctrl-C.")] = False
    results: Results = RESULTS


def up(request: UpRequest) -> None:
    """Start networks with the contract deployed, for manual use."""
    from lab.commands.up import bring_up, networks_of
    from lab.model.session import parse_speed
    from lab.session.up.files import UpOptions

    options = UpOptions(
        networks=networks_of(request.names or [], request.everything),
        results=str(request.results.absolute()),
        backend=request.backend.value,
        image=request.image,
        contract=str(request.contract.absolute()) if request.contract else None,
        relayer=request.relayer,
        relayer_cmd=request.relayer_cmd,
        speed=parse_speed(request.speed),
    )
    bring_up(options, foreground=request.foreground)


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(command_of(UpRequest, up))
