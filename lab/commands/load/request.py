"""What `lab load` is asked for, as it is typed: options with their help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.parameters import Backend, BackendChoice, Port, Rate, Results

RESULTS = Path("results")


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """The command line."""

    profile: Annotated[str, typer.Argument(help="Name or path of a load profile; `resume` goes on.")] = "buffer"
    tps: Rate = None
    duration: Annotated[str | None, typer.Option(help="Duration, such as 60 (seconds), 90s or 10m.")] = None
    networks: Annotated[str | None, typer.Option(help="NETWORK or NAME=NETWORK, separated by commas.")] = None
    operators: Annotated[int | None, typer.Option(min=1, max=4096, help="Sending accounts on each chain.")] = None
    workers: Annotated[int | None, typer.Option(min=1, max=4096, help="Locust worker processes.")] = None
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None
    backend: Backend = BackendChoice.auto
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None
    relayer_cmd: Annotated[
        str | None, typer.Option(help="Command of your own relayer; LAB_SESSION is the session file.")
    ] = None
    web: Annotated[bool, typer.Option("--web", help="Serve Locust's web UI during the run.")] = False
    web_port: Port = 8089
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Divide the load into stretches of at most this; over an hour it is divided anyway."),
    ] = None
    saturate: Annotated[bool, typer.Option("--saturate", help="Search for the highest sustainable rate.")] = False
    url: Annotated[list[str] | None, typer.Option(help="NETWORK=URL of a node that is already running.")] = None
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Allow --url to name another machine.")] = False
    results: Results = RESULTS
