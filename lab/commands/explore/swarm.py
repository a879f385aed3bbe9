"""`lab swarm`: random cases under the virtual clock, judged by the invariants, failing ones shrunk and written out."""

from __future__ import annotations

import shlex
import time
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.commands.explore.engine import check_engine, engine_of, usage_of
from lab.commands.explore.introduced import introduced, say_trouble
from lab.commands.explore.requests import SwarmRequest
from lab.explore.bench import BenchOpener, explored_system
from lab.explore.dask.cluster import ClusterLost
from lab.explore.journal import Journal, JournalHeader, SwarmWork, made_with
from lab.explore.progress import progress_of
from lab.explore.shard import Shard
from lab.explore.swarm.run import run_swarm
from lab.explore.swarm.seed import FOLDER, SeedOutcome, write_minimal
from lab.explore.swarm.tally import SeedsDone, Tally
from lab.model.checks import check_name
from lab.model.verdict import Verdict
from lab.session.suite import new_run_id

REASONS_MAX = 2


def swarm(request: SwarmRequest) -> int:
    """Run it; the exit code."""
    shard = Shard.parse(request.shard)
    check_engine(request)
    system = explored_system(request.contract)
    console = Console(highlight=False)
    say, run_id = partial(console.print, markup=False, soft_wrap=True), new_run_id()
    target = introduced(system, say)
    seeds = shard.of(range(request.first, request.first + request.seeds))
    work = SwarmWork(first=request.first, seeds=request.seeds)
    header = JournalHeader(command="swarm", made_with=made_with(target), work=work, shard=str(shard))
    path = request.results / FOLDER / shard.file
    journal = Journal.begin(path, header, SeedOutcome, resume=request.resume)
    done, tally = SeedsDone(seeds), Tally()
    for outcome in journal.outcomes():
        if done.add(outcome.seed):
            tally.add(outcome)
    if shard.count > 1 or tally.seeds:
        say(f"part {shard}: {len(seeds)} seeds, of which {tally.seeds} are done: {path}")
    if tally.seeds < len(seeds):
        say_trouble(run_id, system, say)
    begin, left = time.monotonic(), (seed for seed in seeds if seed not in done)
    engine = engine_of(request, run_id, header.made_with)
    running = run_swarm(left, BenchOpener(run_id, request.contract), engine, minutes=request.minutes, notify=say)
    lost: ClusterLost | None = None
    try:
        with progress_of(console, "swarm", len(seeds) - tally.seeds) as notify:
            for number, outcome in enumerate(running, start=1):
                journal.add(outcome)
                tally.add(outcome)
                notify(number, ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.verdicts.items())))
                if outcome.verdict is not Verdict.PASS:
                    show(console, outcome, request.contract, request.results)
    except ClusterLost as error:
        lost = error
    show_table(console, tally, time.monotonic() - begin)
    if (usage := usage_of(engine)) is not None:
        say(usage)
    if missing := len(seeds) - tally.seeds:
        why = lost or f"the limit of {request.minutes:g} minutes was reached"
        say(f"{missing} seeds were not run: {why}; what is done is kept in {path}, and --resume goes on")
    return tally.exit_code or (lost.exit_code if lost is not None else 0)


def show(console: Console, outcome: SeedOutcome, contract: Path | None, results: Path) -> None:
    """A seed that did not pass; the minimal case of one that failed is written to the results."""
    console.print(f"{outcome.verdict:<8} seed {outcome.seed}", markup=False)
    for reason in outcome.reasons[:REASONS_MAX]:
        console.print(f"  {reason}", markup=False)
    if outcome.shrunk is None:
        return
    path = write_minimal(results, outcome)
    document = outcome.shrunk.document
    legs = sum(len(flow) for flow in document["flows"].values())
    size = f"{legs} legs on {len(document['networks'])} chains, {len(document['timeline'])} steps"
    limit = "" if outcome.shrunk.whole else ", stopped at its limit"
    console.print(f"  shrunk to {size}, in {outcome.shrunk.runs} runs{limit}: {path}", markup=False)
    command = ["pytest", str(path), "--backend", "process"]
    command += ["--contract", str(contract)] if contract is not None else []
    console.print(f"  repeat: {shlex.join(command)}", markup=False, soft_wrap=True)


def show_table(console: Console, tally: Tally, duration_s: float) -> None:
    """The end of the output."""
    table = Table(show_header=False, box=None, pad_edge=False)
    shown = [Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN]
    shown += [Verdict.NOT_EXERCISED] if tally.verdicts[Verdict.NOT_EXERCISED] else []
    counts = ", ".join(f"{tally.verdicts[verdict]} {verdict}" for verdict in shown)
    table.add_row("seeds", f"{tally.seeds}: {counts}")
    if failed := +tally.failed:
        table.add_row("failed", ", ".join(f"{check_name(check)} {count}" for check, count in failed.most_common()))
    table.add_row("faults", ", ".join(f"{fault} {count}" for fault, count in tally.faults.most_common()) or "none")
    table.add_row("cost", f"{duration_s:.0f} s for {tally.runs} runs, {tally.simulated_s / 60:.0f} minutes simulated")
    console.print(table)
