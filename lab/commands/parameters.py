"""Kinds of values on the command line: what is not of its kind is refused before a command begins, with exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer


def between(low: float, high: float) -> Callable[[float | None], float | None]:
    """A check of a number. A range of Typer's own takes `nan`, which no comparison refuses."""

    def check(value: float | None) -> float | None:
        if value is not None and not low <= value <= high:
            raise typer.BadParameter(f"expected a number from {low:g} to {high:g}, got {value:g}")
        return value

    return check


Jobs = Annotated[int, typer.Option(min=1, max=256, help="Number of worker processes.")]
Seeds = Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of seeds.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63, help="First seed.")]
Minutes = Annotated[
    float | None,
    typer.Option(callback=between(0, 100_000), help="Begin no further seed after this time."),
]
Rate = Annotated[
    float | None,
    typer.Option(callback=between(0.001, 1_000_000), help="Arrivals per second, at the peak of the shape."),
]
Port = Annotated[int, typer.Option(min=1, max=65_535, help="Port of Locust's web UI, on 127.0.0.1.")]
Evidence = Annotated[Path, typer.Argument(exists=True, help="A run folder, or a folder of runs.")]


def undecodable(arguments: list[str]) -> str | None:
    """The first argument that is no text in this system's encoding, as it can be printed; None where all are."""
    broken = next((text for text in arguments if not text.isascii() and not _is_text(text)), None)
    return None if broken is None else ascii(broken)


def _is_text(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
