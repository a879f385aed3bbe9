"""Labs of the unit tests, and the exporter as a process."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.conftest import backend, reference, start_lab

__all__ = ["backend", "reference", "start_lab"]
WAIT_S, PAUSE_S = 600, 0.05


class ExporterProcess:
    """`lab monitor exporter` on a port of its own; `lines` are what it logged so far."""

    def __init__(self, session: Path, *options: str) -> None:
        command = [sys.executable, "-m", "lab.cli", "monitor", "exporter", "--session", str(session), "--port", "0"]
        self.process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
        self.lines: list[dict[str, Any]] = []
        self.words: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.url = self.wait_for(lambda line: line["event"] == "started")["address"]

    def _read(self) -> None:
        assert self.process.stderr is not None
        for text in self.process.stderr:
            with self._changed:
                try:
                    self.lines.append(json.loads(text))
                except ValueError:
                    self.words.append(text)
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line of the log that is wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or any(map(wanted, self.lines)), timeout=WAIT_S)
            assert any(map(wanted, self.lines)), (self.words, self.lines)
            return next(filter(wanted, self.lines))

    def scrape(self, path: str = "/metrics") -> tuple[int, str]:
        """The status and the text of an answer."""
        try:
            with urllib.request.urlopen(self.url.replace("/metrics", path), timeout=WAIT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def scrape_until(self, wanted: Callable[[int, str], bool], path: str = "/metrics") -> str:
        """The text of the first answer that is wanted."""
        deadline = time.monotonic() + WAIT_S
        while not wanted(*(answer := self.scrape(path))):
            assert time.monotonic() < deadline, answer
            time.sleep(PAUSE_S)
        return answer[1]

    def stop(self) -> int:
        """End it as a supervisor would."""
        self.process.terminate()
        return self.process.wait(timeout=WAIT_S)


Export = Callable[..., ExporterProcess]


@pytest.fixture
def export() -> Iterator[Export]:
    """Starts exporters; all are ended with the test."""
    with ExitStack() as stack:

        def start(session: Path, *options: str) -> ExporterProcess:
            return stack.enter_context(_running(ExporterProcess(session, *options)))

        yield start


@contextmanager
def _running(exporter: ExporterProcess) -> Iterator[ExporterProcess]:
    try:
        yield exporter
    finally:
        if exporter.process.poll() is None:
            exporter.process.kill()
            exporter.process.wait()
