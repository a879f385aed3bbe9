"""`lab load` as it is typed: its options and their help. What it does is loaded when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.parameters import Backend, BackendChoice, Port, Rate, Results

RESULTS = Path("results")


def load(
    profile: Annotated[str, typer.Argument(help="Name or path of a load profile.")] = "buffer",
    tps: Rate = None,
    duration: Annotated[str | None, typer.Option(help="Duration, such as 60 (seconds), 90s or 10m.")] = None,
    names: Annotated[
        str | None, typer.Option("--networks", help="NETWORK or NAME=NETWORK, separated by commas.")
    ] = None,
    operators: Annotated[int | None, typer.Option(min=1, max=4096, help="Sending accounts on each chain.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=4096, help="Locust worker processes.")] = None,
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None,
    backend: Backend = BackendChoice.auto,
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None,
    relayer_cmd: Annotated[
        str | None, typer.Option(help="Command of your own relayer; LAB_SESSION is the session file.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="Serve Locust's web UI during the run.")] = False,
    web_port: Port = 8089,
    saturate: Annotated[bool, typer.Option("--saturate", help="Search for the highest sustainable rate.")] = False,
    url: Annotated[list[str] | None, typer.Option(help="NETWORK=URL of a node that is already running.")] = None,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Allow --url to name another machine.")] = False,
    results: Results = RESULTS,
) -> None:
    """Run a load test. Exit code 0: criteria met, 1: missed, 3: invalid, infeasible or unknown."""
    from lab.commands.load import LoadRequest
    from lab.commands.load import load as run

    request = LoadRequest(
        profile,
        tps,
        duration,
        names,
        operators,
        workers,
        contract,
        backend.value,
        image,
        relayer_cmd,
        web_port if web else None,
        saturate,
        tuple(url or ()),
        allow_remote,
        results,
    )
    raise typer.Exit(run(request))


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command()(load)
