"""A calm line of progress while a long run goes on: live on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console

# A virtual run takes a second or two: only what lasts longer is worth a line.
QUIET_S = 3.0
PLAIN_EVERY_S = 15.0


@contextmanager
def progress_of(item: str, file: TextIO | None) -> Iterator[Callable[[str], None]]:
    """Yields what to call with each step. `file` is where the lines go, past any capture; None for no lines."""
    console = Console(file=file, highlight=False)
    if file is None:
        yield lambda text: None
    elif console.is_terminal:
        with console.status(item, spinner="dots") as status:
            yield lambda text: status.update(f"{item}  [dim]{text.strip()}[/dim]")
    else:
        yield _plain(console, item)


def _plain(console: Console, item: str) -> Callable[[str], None]:
    begin = time.monotonic()
    next_line = begin + QUIET_S

    def report(text: str) -> None:
        nonlocal next_line
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + PLAIN_EVERY_S
            console.print(f"\n{item}: {text.strip()}")

    return report
