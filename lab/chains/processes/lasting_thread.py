"""A thread that lasts as long as this process. What is to end with the process is started by it.

The kernel's signal on a parent's death (PR_SET_PDEATHSIG) means the thread that started the child, not the process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class _Thread:
    def __init__(self) -> None:
        self.pid = os.getpid()
        self.jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        threading.Thread(target=self._serve, name="starts children", daemon=True).start()

    def _serve(self) -> None:
        while True:
            future, job = self.jobs.get()
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)


_lock = threading.Lock()
_thread: _Thread | None = None


def on_lasting_thread(job: Callable[[], T], undo: Callable[[T], object]) -> T:
    """Do it there; its result, or its exception. Interrupted meanwhile, what came of it is undone."""
    global _thread
    with _lock:
        # A fork has the object, and not its thread.
        if _thread is None or _thread.pid != os.getpid():
            _thread = _Thread()
        jobs = _thread.jobs
    future: Future[T] = Future()
    jobs.put((future, job))
    try:
        return future.result()
    except BaseException:
        if not future.done() or future.exception() is None:
            future.add_done_callback(lambda done: done.exception() or undo(done.result()))
        raise
