"""`lab swarm --monitor`: recall and time to detect of the alerts, and false alarms, over drawn cases."""

from __future__ import annotations

import time
from functools import partial

from rich.console import Console
from rich.table import Table

from lab.commands.explore.introduced import introduced, say_trouble
from lab.commands.explore.requests import EngineChoice, SwarmRequest
from lab.errors import EnvironmentFailure, UsageError
from lab.explore.bench import BenchOpener, explored_system
from lab.explore.processes import spread
from lab.explore.progress import progress_of
from lab.explore.swarm.alert_cases import kinds_for
from lab.explore.swarm.case import drawn_contract
from lab.explore.swarm.detection import (
    FILE,
    QUIET_MIN,
    RECALL_MIN,
    RUNS_MIN,
    Measured,
    Watched,
    measure,
    watch_seed,
)
from lab.monitor.tools import missing
from lab.session.suite import new_run_id

EXIT_CODES = {"MET": 0, "NOT MET": 1, "UNKNOWN": 3}


def swarm_monitored(request: SwarmRequest) -> int:
    """Run it, print the table, and keep it for the report; the exit code. Raises EnvironmentFailure."""
    if request.shard != "1/1" or request.resume or request.engine is not EngineChoice.local:
        raise UsageError("--monitor measures all seeds in one go, here: leave out --shard, --resume and --engine")
    if (lacking := missing()) is not None:
        raise EnvironmentFailure(f"alerts cannot be evaluated: {lacking}")
    system = explored_system(request.contract)
    console = Console(highlight=False)
    say, run_id = partial(console.print, markup=False, soft_wrap=True), new_run_id()
    target = introduced(system, say)
    say_trouble(run_id, system, say)
    begin, watched, seeds = time.monotonic(), list[Watched](), request.seeds
    deadline = None if request.minutes is None else begin + 60 * request.minutes
    due = (
        seed for seed in range(request.first, request.first + seeds) if deadline is None or time.monotonic() < deadline
    )
    with progress_of(console, "swarm", seeds) as notify:
        for _, runs in spread(due, BenchOpener(run_id, request.contract), watch_seed, jobs=request.jobs):
            watched += runs
            notify(len(watched) // 2, "watched")
    measured = measure(watched, kinds_for(drawn_contract(target)))
    measured.write(request.results)
    _table(console, measured)
    console.print(f"{len(watched)} runs in {time.monotonic() - begin:.0f} s: {request.results / FILE}", soft_wrap=True)
    if len(watched) < 2 * seeds:
        console.print(
            f"{seeds - len(watched) // 2} seeds were not run: the limit of {request.minutes:g} minutes was reached"
        )
    return EXIT_CODES[measured.verdict]


def _table(console: Console, measured: Measured) -> None:
    table = Table(
        "fault", "alert", "runs", "in time", "recall", "time to detect", "missed seeds", box=None, pad_edge=False
    )
    for name, kind in sorted(measured.kinds.items()):
        times = f"median {kind.median_s:g} s, at most {max(kind.seconds)} s" if kind.median_s is not None else "-"
        times += f" (of {kind.within_s} s)"
        counts = (str(kind.runs), str(kind.fired), f"{100 * kind.recall:.0f}%")
        table.add_row(name, " or ".join(kind.alerts), *counts, times, " ".join(map(str, kind.missed_seeds[:10])))
    console.print(table)
    alarms = ", ".join(f"{alert} (seed {seed})" for seed, alert in measured.false_alarms[:10])
    console.print(f"false alarms: {len(measured.false_alarms)} in {measured.quiet_runs} runs without a fault {alarms}")
    for seed, why in measured.broke[:5]:
        console.print(f"seed {seed} could not be run: {why}", markup=False, soft_wrap=True)
    needs = f"recall of {RECALL_MIN:.0%} and more and {RUNS_MIN} runs for each, no false alarm in {QUIET_MIN} runs"
    console.print(f"verdict: {measured.verdict} ({needs})")
