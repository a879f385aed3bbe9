"""What `lab swarm`, `lab mutate` and `lab merge` are asked: one record for each, with the help of its options."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.parameters import Jobs, Minutes, Results, Seed, Seeds

RESULTS = Path("results")
Part = Annotated[
    str, typer.Option("--shard", help="Only part I of N, as 1/4 to 4/4; `lab merge` joins the results of all parts.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Keep what the results folder holds of the same work, and do the rest.")
]
Scheduler = Annotated[
    str | None, typer.Option("--scheduler", help="Address of the scheduler, with --engine dask: tcp://HOST:8786.")
]


class EngineChoice(StrEnum):
    """Who runs the worker processes."""

    local = "local"
    dask = "dask"


EngineOption = Annotated[
    EngineChoice,
    typer.Option("--engine", help="Run on --jobs processes of this machine, or on the workers of a Dask cluster."),
]


@dataclass(frozen=True, slots=True)
class SwarmRequest:
    """The command line."""

    seeds: Seeds = 100
    first: Seed = 1
    minutes: Minutes = None
    jobs: Jobs = 2
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None
    monitor: Annotated[
        bool, typer.Option("--monitor", help="Measure alerts instead: recall, time to detect, false alarms.")
    ] = False
    engine: EngineOption = EngineChoice.local
    scheduler: Scheduler = None
    shard: Part = "1/1"
    resume: Resume = False
    results: Results = RESULTS


@dataclass(frozen=True, slots=True)
class MutateRequest:
    """The command line."""

    contract: Annotated[Path | None, typer.Option(help="Contract under test: a .vy source.")] = None
    scenarios: Annotated[
        Path | None, typer.Option(help="Folder of the scenarios to run. Default: scenarios/, else the lab's library.")
    ] = None
    jobs: Jobs = 2
    limit: Annotated[
        int | None, typer.Option(min=1, max=1_000_000, help="Test at most this many mutants (deterministic sample).")
    ] = None
    sample: Annotated[bool, typer.Option("--sample", help="Test 120 mutants, drawn of all, for CI and RTE-01.")] = False
    only: Annotated[list[str] | None, typer.Option(help="Test only mutants whose key starts with this.")] = None
    every_run: Annotated[bool, typer.Option("--every-run", help="Also execute runs that cover nothing new.")] = False
    engine: EngineOption = EngineChoice.local
    scheduler: Scheduler = None
    shard: Part = "1/1"
    resume: Resume = False
    results: Results = RESULTS


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """The command line."""

    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", exists=True, help="Results of the parts, or folders of them.")
    ]
    contract: Annotated[Path | None, typer.Option(help="Contract whose mutants were tested: a .vy source.")] = None
    results: Results = RESULTS
