"""The log of what was seen on the chains: one JSON object a line, with time run, chain, block and tx."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any


class JsonLog:
    """Safe for several threads. `now_s` is the clock in unix seconds; by default lines go to stderr."""

    def __init__(
        self, run: str, write: Callable[[str], Any] | None = None, now_s: Callable[[], float] = time.time
    ) -> None:
        self._run, self._now_s = run, now_s
        self._write = write or (lambda line: print(line, file=sys.stderr, flush=True))
        # print writes a line and its end one after the other.
        self._lock = threading.Lock()

    def __call__(self, **fields: Any) -> None:
        line = {"ts": round(self._now_s(), 3), "run": self._run, **{k: v for k, v in fields.items() if v is not None}}
        with self._lock:
            self._write(json.dumps(line))
