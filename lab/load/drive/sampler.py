"""Once a second: what nodes, relayer and generator take of the machine, what waits in the pools, and who answers."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from lab.chains.nodes.backend import Node
from lab.errors import LabError
from lab.rpc import HttpTransport, Rpc, RpcFailure

EVERY_S = 1.0
ANSWER_S = 2.0


@dataclass
class ProcessTree:
    """A process with all its children: processor time and memory, of those that have ended too."""

    pid: int
    _ended_cpu_s: float = 0.0
    _known: dict[int, float] = field(default_factory=dict)

    def measure(self) -> dict[str, Any]:
        """`alive`, seconds of processor time, bytes of memory, number of processes."""
        found: dict[int, float] = {}
        memory = 0
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.pid)
            for process in (root, *root.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    if process.status() == psutil.STATUS_ZOMBIE:
                        continue
                    times = process.cpu_times()
                    found[process.pid] = times.user + times.system
                    memory += process.memory_info().rss
        self._ended_cpu_s += sum(cpu for pid, cpu in self._known.items() if pid not in found)
        self._known = found
        cpu = self._ended_cpu_s + sum(found.values())
        return {"alive": self.pid in found, "cpu_s": round(cpu, 3), "rss": memory, "processes": len(found)}


class Sampler:
    """A thread that writes a line of JSON a second. `nodes` are looked at where this run has them."""

    def __init__(
        self,
        path: Path,
        urls: Callable[[], dict[str, str]],
        nodes: dict[str, Node],
        processes: Callable[[], dict[str, int]],
    ) -> None:
        self._path, self._urls, self._nodes, self._processes = path, urls, nodes, processes
        self._trees: dict[str, ProcessTree] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(timeout=30)

    def _run(self) -> None:
        with self._path.open("a", encoding="utf-8") as stream:
            while not self._stop.is_set():
                begun = time.monotonic()
                stream.write(json.dumps(self._sample()) + "\n")
                stream.flush()
                self._stop.wait(max(0.05, EVERY_S - (time.monotonic() - begun)))

    def _sample(self) -> dict[str, Any]:
        chains = {name: self._chain(name, url) for name, url in self._urls().items()}
        processes = {}
        for name, pid in self._processes().items():
            tree = self._trees.get(name)
            if tree is None or tree.pid != pid:
                tree = self._trees[name] = ProcessTree(pid)
            processes[name] = tree.measure()
        return {
            "at": round(time.time(), 3),
            "chains": chains,
            "processes": processes,
            "host_cpu_percent": psutil.cpu_percent(),
            "load_average": round(psutil.getloadavg()[0], 2),
        }

    def _chain(self, name: str, url: str) -> dict[str, Any]:
        found: dict[str, Any] = {"answers": False, "pending": None, "queued": None, "rss": None, "cpu_s": None}
        transport = HttpTransport(url, timeout_s=ANSWER_S)
        try:
            status = Rpc(transport).call("txpool_status")
            found |= {"answers": True, "pending": int(status["pending"], 16), "queued": int(status["queued"], 16)}
        except (RpcFailure, KeyError, TypeError, ValueError) as error:
            # A node without that call still answers, with a refusal.
            found["answers"] = isinstance(error, RpcFailure) and error.definite and "refused" in str(error)
        finally:
            transport.close()
        node = self._nodes.get(name)
        if node is not None:
            with contextlib.suppress(LabError):
                found |= {"rss": node.memory_bytes(), "cpu_s": node.cpu_seconds()}
        return found


def read_samples(path: Path) -> list[dict[str, Any]]:
    """All whole lines."""
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
