"""Kinds of values on the command line: what is not of its kind is refused before a command begins, with exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from lab.environment import encoding_problem


def between(low: float, high: float) -> Callable[[float | None], float | None]:
    """A check of a number. A range of Typer's own takes `nan`, which no comparison refuses."""

    def check(value: float | None) -> float | None:
        if value is not None and not low <= value <= high:
            raise typer.BadParameter(f"expected a number from {low:g} to {high:g}, got {value:g}")
        return value

    return check


def _below_folders(path: Path) -> str | None:
    """What is wrong with the folders that a path needs above it; None where they are there, or can be made."""
    above = next((one for one in path.absolute().parents if os.path.lexists(one)), None)
    if above is None or above.is_dir():
        return None
    return f"{above} is in its way, which is no folder: name a place below a folder, or move it"


def to_folder(path: Path | None) -> Path | None:
    """A folder that a command writes to, and makes where there is none. Raises BadParameter."""
    if path is not None:
        if os.path.lexists(path) and not path.is_dir():
            raise typer.BadParameter(f"expected a folder, got {path}, which is a file: name another place, or move it")
        if problem := _below_folders(path):
            raise typer.BadParameter(f"expected a folder, got {path}: {problem}")
    return path


def to_file(path: Path | None) -> Path | None:
    """A file that a command writes, with the folders above it. Raises BadParameter."""
    if path is not None:
        if path.is_dir():
            raise typer.BadParameter(f"expected a file to write, got {path}, which is a folder: name a file in it")
        if problem := _below_folders(path):
            raise typer.BadParameter(f"expected a file to write, got {path}: {problem}")
    return path


class BackendChoice(StrEnum):
    """Where the nodes run."""

    auto = "auto"
    process = "process"
    docker = "docker"


Backend = Annotated[BackendChoice, typer.Option(help="Where the nodes run.")]
Results = Annotated[Path, typer.Option("--results", callback=to_folder, help="Folder for evidence and reports.")]
Jobs = Annotated[int, typer.Option(min=1, max=256, help="Number of worker processes.")]
Seeds = Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of seeds.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63, help="First seed.")]
Minutes = Annotated[
    float | None,
    typer.Option(callback=between(0, 100_000), help="Start no new seed after this many minutes."),
]
Rate = Annotated[
    float | None,
    typer.Option(callback=between(0.001, 1_000_000), help="Arrivals per second, at the peak of the shape."),
]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Port of Locust's web UI, on 127.0.0.1.")]
Evidence = Annotated[Path, typer.Argument(exists=True, help="A run folder, or a folder of runs.")]


def require_text(arguments: list[str]) -> None:
    """Exit with code 2 for an argument that is no text in this system's encoding: it could not be written down."""
    for text in arguments:
        if problem := encoding_problem(text):
            print(f"error: {text!a}: {problem}", file=sys.stderr)
            raise SystemExit(2)
