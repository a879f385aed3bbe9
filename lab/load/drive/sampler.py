"""Once a second: what nodes, relayer and generator take of the machine, what waits in the pools, and who answers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from lab.chains.nodes.backend import Node
from lab.errors import LabError
from lab.load.record.samples import ChainSample, ProcessSample, Sample
from lab.model.redacted import RedactedUrl
from lab.rpc import HttpTransport, Rpc, RpcFailure, RpcRefused

EVERY_S = 1.0
ANSWER_S = 2.0


@dataclass
class ProcessTree:
    """A process with all its children: processor time and memory, of those that have ended too."""

    pid: int
    _ended_cpu_s: float = 0.0
    _known: dict[int, float] = field(default_factory=dict)

    def measure(self) -> ProcessSample:
        """What it takes now."""
        cpu_s: dict[int, float] = {}
        memory = 0
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.pid)
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    if process.status() == psutil.STATUS_ZOMBIE:
                        continue
                    times = process.cpu_times()
                    cpu_s[process.pid] = times.user + times.system
                    memory += process.memory_info().rss
        self._ended_cpu_s += sum(cpu for pid, cpu in self._known.items() if pid not in cpu_s)
        self._known = cpu_s
        total_s = round(self._ended_cpu_s + sum(cpu_s.values()), 3)
        return ProcessSample(alive=self.pid in cpu_s, cpu_s=total_s, rss_bytes=memory, processes=len(cpu_s))


class Sampler:
    """A thread that writes a line of JSON a second. `nodes` are looked at where this run has them."""

    def __init__(
        self,
        path: Path,
        urls: Callable[[], dict[str, RedactedUrl]],
        nodes: dict[str, Node],
        processes: Callable[[], dict[str, int]],
    ) -> None:
        self._path, self._urls, self._nodes, self._processes = path, urls, nodes, processes
        self._trees: dict[str, ProcessTree] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to sample."""
        self._thread.start()

    def stop(self) -> None:
        """End after the sample that is being taken."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            while not self._stop.is_set():
                begun = time.monotonic()
                stream.write(self._sample().model_dump_json(by_alias=True) + "\n")
                stream.flush()
                self._stop.wait(max(0.05, EVERY_S - (time.monotonic() - begun)))

    def _sample(self) -> Sample:
        processes = {}
        for name, pid in self._processes().items():
            tree = self._trees.get(name)
            if tree is None or tree.pid != pid:
                tree = self._trees[name] = ProcessTree(pid)
            processes[name] = tree.measure()
        return Sample(
            at=round(time.time(), 3),
            chains={name: self._chain(name, url) for name, url in self._urls().items()},
            processes=processes,
            host_cpu_percent=psutil.cpu_percent(),
            load_average=round(psutil.getloadavg()[0], 2),
        )

    def _chain(self, name: str, url: RedactedUrl) -> ChainSample:
        pending = queued = rss_bytes = cpu_s = None
        transport = HttpTransport(url, timeout_s=ANSWER_S)
        try:
            status = Rpc(transport).call("txpool_status")
            answers, pending, queued = True, int(status["pending"], 16), int(status["queued"], 16)
        except (RpcFailure, KeyError, TypeError, ValueError) as error:
            # A node without that call still answers, with a refusal.
            answers = isinstance(error, RpcRefused)
        finally:
            transport.close()
        node = self._nodes.get(name)
        if node is not None:
            with contextlib.suppress(LabError):
                rss_bytes, cpu_s = node.memory_bytes(), node.cpu_seconds()
        return ChainSample(answers=answers, pending=pending, queued=queued, rss_bytes=rss_bytes, cpu_s=cpu_s)
