"""Progress of a long command: a live bar on a terminal, elsewhere a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

PLAIN_EVERY_S = 10.0


Report = Callable[[int, str], None]
"""Called with the number of things done, and what is worth knowing of them."""


@contextmanager
def progress_of(console: Console, what: str, total: int | None) -> Iterator[Report]:
    """Yields what to call with each step."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TextColumn("[dim]{task.fields[text]}"), console=console, transient=True) as progress:
            bar = progress.add_task(what, total=total, text="")
            yield lambda done, text: progress.update(bar, completed=done, text=text)
        return
    next_s = time.monotonic() + PLAIN_EVERY_S
    begin_s = time.monotonic()

    def report(done: int, text: str) -> None:
        nonlocal next_s
        if time.monotonic() >= next_s:
            next_s = time.monotonic() + PLAIN_EVERY_S
            of = f"/{total}" if total is not None else ""
            console.print(f"{what} {done}{of} after {time.monotonic() - begin_s:.0f} s: {text}", highlight=False)

    yield report
