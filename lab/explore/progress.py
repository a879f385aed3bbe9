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


def pace(done: int, total: int | None, seconds: float) -> str:
    """How many a second, and how long the rest takes at that pace; empty before the first is done."""
    if done < 1 or seconds <= 0:
        return ""
    left = f", {duration((total - done) * seconds / done)} left" if total is not None else ""
    return f"{done / seconds:.2g}/s{left}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 05 min`."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 90 else f"{seconds:.0f} s"


@contextmanager
def progress_of(console: Console, what: str, total: int | None) -> Iterator[Report]:
    """Yields what to call with each step."""
    begin_s = time.monotonic()
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TextColumn("[dim]{task.fields[text]}"), console=console, transient=True) as progress:
            bar = progress.add_task(what, total=total, text="")

            def update(done: int, text: str) -> None:
                rate = pace(done, total, time.monotonic() - begin_s)
                progress.update(bar, completed=done, text=", ".join(part for part in (rate, text) if part))

            yield update
        return
    next_s = begin_s + PLAIN_EVERY_S

    def report(done: int, text: str) -> None:
        nonlocal next_s
        now_s = time.monotonic()
        if now_s >= next_s:
            next_s = now_s + PLAIN_EVERY_S
            of, rate = f"/{total}" if total is not None else "", pace(done, total, now_s - begin_s)
            rate = f" ({rate})" if rate else ""
            console.print(f"{what} {done}{of} after {now_s - begin_s:.0f} s{rate}: {text}", highlight=False)

    yield report
