"""`make bench`: what the lab costs on this machine. A benchmark, not a test: compare figures within one run.

Prints one line a figure with its target on two cores. Exit code 0 whatever the figures are; they are for reading.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.chains.nodes.backend import Backend, NodeSpec
from lab.errors import EnvironmentFailure
from lab.networks import load_network
from lab.networks.anvil import anvil_args
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from lab.session.suite import Suite, open_suite
from lab.session.under_test import system_under_test

NETWORKS = ("ethereum", "polygon", "arbitrum", "optimism", "base")
MIB = 1024 * 1024
TEN_MINUTES_S = {"process": 6, "docker": 8}
# Options of pytest beside the folder, and what the library takes with them at most.
LIBRARY_S = {("-n", "0"): 45, ("-n", "3", "--dist", "worksteal"): 35}

TEN_MINUTES = """
name: Ten simulated minutes of five networks
description: One cross-chain flow a minute; what it costs is the point.
networks: {ethereum: {}, polygon: {}, arbitrum: {}, optimism: {}, base: {}}
window: 3m
timeout: 15m
flows:
%s
timeline:
%s
  - at: 600s
    expect: {leg: f8.child, state: EXECUTED}
checks: [default, L2]
"""

NOTHING = """
name: A run in which nothing happens
description: Start, deploy, read, judge, write; no block beyond the set-up.
networks: {ethereum: {}, optimism: {}}
relayer: none
timeline:
  - wait: 0s
  - expect: {chain: optimism, function: transaction_count, returns: 0}
checks: [default]
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure and what it should be at most."""

    name: str
    value: float
    unit: str
    target: float | None

    @property
    def met(self) -> str:
        """Whether the target is reached."""
        return "" if self.target is None else ("yes" if self.value <= self.target else "NO")


def ten_minutes() -> str:
    """A flow a minute, over every pair of neighbours in turn."""
    flows, steps = [], []
    for minute in range(10):
        parent, child = NETWORKS[minute % 5], NETWORKS[(minute + 1) % 5]
        at = 60 * minute
        flows.append(
            f"  f{minute}: {{root: {{chain: {parent}, at: +{at + 30}s}}, "
            f"child: {{chain: {child}, at: +{at + 60}s, after: root}}}}"
        )
        steps.append(f"  - {{at: {at}s, buffer: f{minute}}}")
    return TEN_MINUTES % ("\n".join(flows), "\n".join(steps))


def ready(backend: Backend, target_s: float) -> list[Figure]:
    """Five networks from nothing to answering, best of three, and their memory then."""
    best, memory = float("inf"), 0.0
    for _ in range(3):
        specs = [
            NodeSpec(name, "bench", anvil_args(load_network(name), genesis_time=1_800_000_000)) for name in NETWORKS
        ]
        begin = time.perf_counter()
        nodes = backend.start_all(specs)
        best = min(best, time.perf_counter() - begin)
        memory = max((node.memory_bytes() or 0) / MIB for node in nodes)
        for node in nodes:
            node.stop()
    return [
        Figure(f"five networks ready, {backend.name}", best, "s", target_s),
        Figure(f"largest node when ready, {backend.name}", memory, "MiB", 40),
    ]


def run_text(text: str, suite: Suite, folder: Path, name: str) -> tuple[float, dict[str, float]]:
    """Run a scenario given as text; seconds, and MiB a node at its end. Raises SystemExit unless it passes."""
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    (item,) = load_scenario(path)
    options = Options(suite.backend, suite.reason, suite.target, suite.run_id)
    begin = time.perf_counter()
    result = run_item(item, options, folder / name, "make bench")
    duration = time.perf_counter() - begin
    if result.verdict.verdict != "PASS":
        raise SystemExit(f"the benchmark's scenario ended {result.verdict.verdict}: {result.verdict.reasons}")
    memory = result.folder.manifest()["node_memory_bytes"]
    return duration, {chain: (value or 0) / MIB for chain, value in memory.items()}


def measure(backend_name: str) -> list[Figure]:
    """All figures of one backend."""
    system = system_under_test(contract=None, relayer_cmd=None)
    suite = open_suite(run_id="bench", backend=backend_name, image=None, system=system)  # type: ignore[arg-type]  # from choices
    try:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            figures = ready(suite.backend, 1 if backend_name == "process" else 4)
            if backend_name == "process":
                run_text(NOTHING, suite, folder, "warm_up")
                overhead = min(run_text(NOTHING, suite, folder, f"nothing_{n}")[0] for n in range(3))
                figures.append(Figure("overhead of a scenario, process", overhead, "s", 0.3))
            duration, memory = run_text(ten_minutes(), suite, folder, "ten_minutes")
            figures.append(
                Figure(
                    f"ten simulated minutes of five networks, {backend_name}",
                    duration,
                    "s",
                    TEN_MINUTES_S[backend_name],
                )
            )
            figures += [
                Figure(f"memory of {chain} after ten simulated minutes, {backend_name}", size, "MiB", None)
                for chain, size in memory.items()
            ]
            return figures
    finally:
        suite.close()


def library(options: tuple[str, ...], target_s: float) -> Figure:
    """`pytest scenarios/` from its start to its end."""
    with tempfile.TemporaryDirectory() as temporary:
        command = [sys.executable, "-m", "pytest", "scenarios/", "-q", "--backend", "process", "--results", temporary]
        begin = time.perf_counter()
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        duration = time.perf_counter() - begin
    if done.returncode != 0:
        raise SystemExit(f"pytest scenarios/ failed:\n{done.stdout[-4000:]}")
    return Figure(f"pytest scenarios/ {' '.join(options)}, process, start-up included", duration, "s", target_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backend", choices=("process", "docker", "both"), default="both")
    wanted = parser.parse_args().backend
    figures = []
    for name in ("process", "docker") if wanted == "both" else (wanted,):
        try:
            figures += measure(name)
        except EnvironmentFailure as failure:
            print(f"{name}: not measured: {str(failure).splitlines()[0]}", file=sys.stderr)
    if wanted != "docker":
        figures += [library(options, target_s) for options, target_s in LIBRARY_S.items()]
    table = Table("figure", "measured", "target", "met")
    for figure in figures:
        target = "" if figure.target is None else f"{figure.target:g} {figure.unit}"
        table.add_row(figure.name, f"{figure.value:.2f} {figure.unit}", target, figure.met)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
