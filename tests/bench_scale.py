"""`make bench-scale`: seeds of `lab swarm` a second, on processes of this machine and on a Dask cluster of its own.

Efficiency is the rate of two workers by twice the rate of one. Workers share the cores with their nodes, so what two
processes of this machine reach is what a cluster on the same machine can. A busy machine makes rates worthless: there
processor time a seed tells what a change brings, with so many seeds that the starts of workers weigh little.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from lab.explore.bench import BenchOpener, explored_system
from lab.explore.dask.engine import DaskEngine
from lab.explore.journal import made_with
from lab.explore.processes import spread
from lab.explore.swarm.seed import explore_seed
from lab.explore.workers import Engine
from lab.session.suite import compile_target

from .reliability.dask_cluster import DaskCluster


def rate(engine: Engine, seeds: int) -> tuple[float, set[tuple[int, str]]]:
    """Seeds a second, from when there are workers to the last outcome, and what came out."""
    opener, times, digests = BenchOpener("bench", None), list[float](), set[tuple[int, str]]()
    # One seed for each worker comes before: its bench opens with it.
    for seed, outcome in engine(range(1, seeds + 1), opener, explore_seed, notify=print):
        times.append(time.monotonic())
        digests.add((seed, outcome.digest))
    warm = 2
    return (len(times) - warm) / (times[-1] - times[warm - 1]), digests


def on_processes(workers: int, seeds: int) -> tuple[float, set[tuple[int, str]], str]:
    """The same on processes, and what a seed takes of the processor, nodes and the starts of workers included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    speed, digests = rate(partial(spread, jobs=workers), seeds)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return speed, digests, f"{used_s / seeds:.2f} s of processor time a seed"


def on_cluster(workers: int, seeds: int) -> tuple[float, set[tuple[int, str]], str]:
    """The same on a cluster, and what it says of its use."""
    versions = made_with(compile_target(explored_system(None)))
    with tempfile.TemporaryDirectory() as folder, closing(DaskCluster(Path(folder))) as cluster:
        cluster.start_scheduler()
        for number in range(workers):
            cluster.start_worker(f"worker-{number}")
        engine = DaskEngine(cluster.address, "bench", versions)
        return *rate(engine, seeds), str(engine.usage)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--only", choices=("processes", "cluster"))
    options = parser.parse_args()
    seeds = options.seeds
    measured: dict[str, Callable[[int], tuple[float, set[tuple[int, str]], str]]] = {
        "processes": lambda workers: on_processes(workers, seeds),
        "cluster": lambda workers: on_cluster(workers, seeds),
    }
    reference: set[tuple[int, str]] = set()
    for name, measure in measured.items():
        if options.only not in (None, name):
            continue
        rates = []
        for workers in (1, 2):
            speed, digests, usage = measure(workers)
            reference = reference or digests
            same = "same digests" if digests == reference else "OTHER DIGESTS"
            rates.append(speed)
            print(f"{name:<10} {workers} {speed:6.2f} seeds/s  {same}  {usage}", flush=True)
        print(f"{name:<10} efficiency on two workers {rates[1] / rates[0] / 2:.2f}", flush=True)


if __name__ == "__main__":
    main()
