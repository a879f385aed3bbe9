"""`make bench-monitor`: what monitoring costs on this machine. A benchmark, not a test.

The exporter watches five networks at their real cadence: processor, memory, and the time of `/metrics`. Then ten
simulated minutes of five networks, with samples taken and without, in processor seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

from lab.chains.processes.child import Child
from lab.chains.processes.python_child import python_command
from lab.chains.processes.reaper import Reaper
from lab.monitor.servers import free_ports
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from lab.session.suite import Suite, open_suite
from lab.session.under_test import system_under_test
from tests.bench import NETWORKS, Figure, ten_minutes

SCRAPES = 40
READY_S = 120


def lab(*words: str) -> None:
    """A command of the lab, to its end."""
    subprocess.run(python_command("-m", "lab.cli", *words), check=True, stdout=subprocess.DEVNULL)


def exporter(seconds: float, folder: Path, reaper: Reaper) -> list[Figure]:
    """Over `lab up` of five networks, after so long."""
    lab("up", *NETWORKS, "--backend", "process", "--results", str(folder))
    try:
        (port,) = free_ports(1)
        words = ["monitor", "exporter", "--session", str(folder / "up" / "session.json"), "--port", str(port)]
        command = python_command("-m", "lab.cli", *words)
        child = Child.start(command, run_id="bench", log=folder / "exporter.log", reaper=reaper)
        url = f"http://127.0.0.1:{port}/metrics"
        if not child.wait_ready(lambda: scraped(url) is not None, READY_S):
            raise SystemExit(f"the exporter did not get ready:\n{child.log_tail()}")
        process = psutil.Process(child.pid)
        begun, before = time.monotonic(), sum(process.cpu_times()[:2])
        time.sleep(seconds)
        share = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - begun)
        times = [took for _ in range(SCRAPES) if (took := scraped(url)) is not None]
        memory = process.memory_info().rss / 1e6
        child.stop(10)
        return [
            Figure(f"exporter, processor over {seconds:g} s", 100 * share, "% of a core", 5),
            Figure(f"exporter, memory after {seconds:g} s", memory, "MB", 60),
            Figure(f"/metrics, median of {SCRAPES}", 1000 * statistics.median(times), "ms", 50),
            Figure(f"/metrics, slowest of {SCRAPES}", 1000 * max(times), "ms", None),
        ]
    finally:
        lab("down", "--results", str(folder))


def scraped(url: str) -> float | None:
    """Seconds that a scrape takes, None where nobody answers."""
    begun = time.perf_counter()
    try:
        with urllib.request.urlopen(url, timeout=READY_S) as answer:
            answer.read()
    except OSError:
        return None
    return time.perf_counter() - begun


def sampling(suite: Suite, folder: Path, pairs: int) -> list[Figure]:
    """Processor seconds of the lab and its nodes: runs with and without samples in turn, so that both meet the same
    machine, and the ratio of each pair.
    """
    text, costs = ten_minutes(), list[tuple[float, float]]()
    for number in range(pairs):
        plain = run_cost(text, suite, folder, f"plain{number}")
        costs.append((plain, run_cost(f"{text}monitor: true\n", suite, folder, f"watched{number}")))
    added = [100 * (watched - plain) / plain for plain, watched in costs]
    return [
        Figure("ten simulated minutes, without samples", min(plain for plain, _ in costs), "s of processor", None),
        Figure("the same with samples", min(watched for _, watched in costs), "s of processor", None),
        Figure(f"what samples add, median of {pairs} pairs", statistics.median(added), "%", 15),
        Figure("what samples add, worst pair", max(added), "%", None),
    ]


def run_cost(text: str, suite: Suite, folder: Path, name: str) -> float:
    """Processor seconds of one run, its nodes included."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    (item,) = load_scenario(path)
    begun = spent()
    options = Options(suite.backend, suite.reason, suite.target, suite.run_id, samples_only=True)
    result = run_item(item, options, folder / name, "make bench-monitor")
    if result.verdict.verdict != "PASS":
        raise SystemExit(f"the benchmark's scenario ended {result.verdict.verdict}: {result.verdict.reasons}")
    return spent() - begun


def spent() -> float:
    """Processor seconds of this process and of its children, those that go on to the next run included."""
    times = os.times()
    living = sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True))
    return times.user + times.system + times.children_user + times.children_system + living


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long the exporter runs (600; 0: not at all)")
    parser.add_argument("--pairs", type=int, default=3, help="runs with and without samples (3; 0: none)")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        reaper = stack.enter_context(Reaper.start())
        if arguments.seconds > 0:
            show(exporter(arguments.seconds, folder / "results", reaper))
        if arguments.pairs > 0:
            system = system_under_test(contract=None, relayer_cmd=None)
            suite = open_suite(run_id="bench", backend="process", image=None, system=system)
            stack.callback(suite.close)
            show(sampling(suite, folder, arguments.pairs))


def show(figures: list[Figure]) -> None:
    """As a table."""
    table = Table("figure", "value", "unit", "at most", "met", box=None, pad_edge=False)
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:g}"
        table.add_row(figure.name, f"{figure.value:.1f}", figure.unit, target, figure.met)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
