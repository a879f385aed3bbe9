"""`lab swarm`: random cases under the virtual clock, judged by the invariants, failing ones shrunk and written out."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lab.chains.processes.leftovers import sweep
from lab.errors import UsageError
from lab.explore.progress import progress_of
from lab.explore.swarm.run import Summary, run_swarm
from lab.explore.swarm.seed import SeedOutcome, write_minimal
from lab.model.checks import check_name
from lab.model.verdict import Verdict
from lab.session.suite import compile_target, new_run_id
from lab.session.under_test import VIRTUAL, system_under_test

REASONS_MAX = 2


def swarm(seeds: int, first: int, minutes: float | None, jobs: int, contract: Path | None, results: Path) -> int:
    """Run it; the exit code."""
    if seeds < 1 or jobs < 1:
        raise UsageError(f"expected at least one seed and one job, got --seeds {seeds} and --jobs {jobs}")
    system = system_under_test(contract=contract, relayer_cmd=None).with_reference_relayer(VIRTUAL)
    console = Console(highlight=False)
    # Compiled here, so that what is wrong with it is said once, and not by each worker.
    console.print(system.described(compile_target(system).contract.name).line, markup=False, soft_wrap=True)
    sweep(partial(console.print, markup=False, soft_wrap=True))
    begin = time.monotonic()
    outcomes: list[SeedOutcome] = []
    wanted = range(first, first + seeds)
    running = run_swarm(wanted, run_id=new_run_id(), system=system, jobs=jobs, minutes=minutes)
    with progress_of(console, "swarm", seeds) as notify:
        for outcome in running:
            outcomes.append(outcome)
            counts = Counter(tried.verdict for tried in outcomes)
            notify(len(outcomes), ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())))
            if outcome.verdict is not Verdict.PASS:
                _report(console, outcome, contract, results)
    summary = Summary(tuple(outcomes), time.monotonic() - begin)
    _table(console, summary)
    if len(outcomes) < seeds:
        console.print(f"{seeds - len(outcomes)} seeds were not run: the limit of {minutes:g} minutes was reached")
    return summary.exit_code


def _report(console: Console, outcome: SeedOutcome, contract: Path | None, results: Path) -> None:
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


def _table(console: Console, summary: Summary) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    shown = [Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN]
    shown += [Verdict.NOT_EXERCISED] if summary.count(Verdict.NOT_EXERCISED) else []
    counts = ", ".join(f"{summary.count(verdict)} {verdict}" for verdict in shown)
    failed = Counter(outcome.failed[0] for outcome in summary.outcomes if outcome.failed)
    runs = sum(outcome.runs for outcome in summary.outcomes)
    simulated_s = sum(outcome.simulated_s for outcome in summary.outcomes)
    table.add_row("seeds", f"{len(summary.outcomes)}: {counts}")
    if failed:
        table.add_row("failed", ", ".join(f"{check_name(check)} {count}" for check, count in failed.most_common()))
    table.add_row("faults", ", ".join(f"{fault} {count}" for fault, count in summary.faults.most_common()) or "none")
    table.add_row("cost", f"{summary.duration_s:.0f} s for {runs} runs, {simulated_s / 60:.0f} minutes simulated")
    console.print(table)
