"""Networks are worked on side by side, and Ctrl-C ends the command at once, whatever it waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")


def side_by_side(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Their results, in order, once all have ended; raises what the first of them raised.

    The threads end with the process, as by a kill, for which journals are made: a pool would be waited for, and go on
    to sign, after Ctrl-C.
    """
    futures = [Future[T]() for _ in tasks]
    for future, task in zip(futures, tasks, strict=True):
        threading.Thread(target=_carry_out, args=(future, task), daemon=True).start()
    wait(futures)
    return [future.result() for future in futures]


def _carry_out(future: Future[T], task: Callable[[], T]) -> None:
    try:
        result = task()
    except BaseException as error:  # it is raised where the results are asked for
        future.set_exception(error)
    else:
        future.set_result(result)
