"""`lab load`: one load run with its report, or the search for the highest rate."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from lab.commands.load.request import LoadRequest
from lab.errors import UsageError
from lab.load.analyse.judge import EXIT_CODES
from lab.load.analyse.reconcile import Result
from lab.load.long.page import PAGE
from lab.load.long.record import LongRecord
from lab.load.long.run import begin, is_long, run_long, taken_up
from lab.load.profile.profile import LoadProfile, load_profile, option_duration_ms, profile_file, with_options
from lab.load.report.files import write_files
from lab.load.report.summary_text import summary_lines, with_unit
from lab.load.run import Options, run_load, run_remote
from lab.load.saturate import saturate

RESUME = "resume"


def load(request: LoadRequest) -> int:
    """Run it, print the verdicts, write the report; the exit code."""
    if request.profile == RESUME:
        return resume(request)
    profile, checkpoint_ms = resolve(request), option_duration_ms(request.checkpoint, "--checkpoint")
    if request.checkpoint is not None and (request.url or request.saturate):
        raise UsageError("--checkpoint: expected nodes of this command's, and no search: leave out --url, --saturate")
    if request.url:
        return finish(*run_remote(profile, _options(request), tuple(request.url), request.allow_remote, notify))
    if request.saturate:
        return saturate(profile, _options(request), notify, finish)
    if is_long(profile, checkpoint_ms):
        options = _options(request)
        return _long(begin(profile, options, checkpoint_ms), profile, options)
    with _Signing() as signing:
        result, folder = run_load(profile, _options(request), notify, signing)
    return finish(result, folder)


def resume(request: LoadRequest) -> int:
    """Go on with the newest long load; the exit code. Raises UsageError, also for options that would change it."""
    if request != LoadRequest(profile=RESUME, results=request.results, relayer_cmd=request.relayer_cmd):
        raise UsageError(
            "lab load resume: expected no option but --results, and --relayer-cmd where that has secrets; a long load "
            "goes on as it was begun"
        )
    return _long(*taken_up(request.results, request.relayer_cmd))


def _long(record: LongRecord, profile: LoadProfile, options: Options) -> int:
    with _Signing() as signing:
        whole = run_long(record, profile, options, notify, signing)
    print("\n".join(whole.lines()))
    print(f"report  {record.folder / PAGE}")
    if record.left:
        print(f"{len(record.left)} stretches are left: `lab load resume` goes on")
    return whole.exit_code


def resolve(request: LoadRequest) -> LoadProfile:
    """The profile with the options applied. Raises UsageError or InvalidFile."""
    return with_options(
        load_profile(request.profile),
        tps=request.tps,
        duration_ms=option_duration_ms(request.duration),
        networks=request.networks,
        workers=request.workers,
        operators=request.operators,
    )


def finish(result: Result, folder: Path) -> int:
    """Write the files and say what came out; the exit code."""
    page = write_files(result, folder)
    print_result(result)
    print(f"report  {page}")
    return EXIT_CODES[result.judged.outcome]


def print_result(result: Result) -> None:
    """The verdicts as a table, and what explains them."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "criterion", "figure", "threshold", "why"):
        table.add_column(heading, overflow="fold")
    for verdict in result.judged.verdicts:
        figure, limit = (with_unit(value, verdict.unit) for value in (verdict.figure, verdict.threshold))
        table.add_row(str(verdict.outcome), verdict.criterion, figure, limit, verdict.reason)
    console = Console()
    console.print(table)
    print("\n".join(summary_lines(result)))


def notify(text: str) -> None:
    """Progress, apart from the result."""
    print(text, file=sys.stderr, flush=True)


def _options(request: LoadRequest) -> Options:
    own = profile_file(request.profile)
    return Options(
        results=request.results,
        backend=request.backend.value,
        image=request.image,
        contract=request.contract,
        relayer_cmd=request.relayer_cmd,
        beside=(own,) if own is not None else (),
        web_port=request.web_port if request.web else None,
        command=_command(request),
    )


def _command(request: LoadRequest) -> str:
    parts = ["lab load", request.profile]
    for name, value in (
        ("--tps", request.tps),
        ("--duration", request.duration),
        ("--networks", request.networks),
        ("--operators", request.operators),
        ("--workers", request.workers),
        ("--checkpoint", request.checkpoint),
        ("--contract", request.contract),
    ):
        if value is not None:
            parts.append(f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}")
    return " ".join([*parts, f"--backend {request.backend.value}"])


class _Signing:
    """A bar for signing, which takes the longest before a run; nothing where nobody watches."""

    def __enter__(self) -> _Signing:
        self._bar = Progress(
            TextColumn("signing"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: TaskID | None = None
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, done: int, requested: int, seconds: float) -> None:
        if not sys.stderr.isatty():
            return
        if self._task is None:
            self._bar.start()
            self._task = self._bar.add_task("signing", total=requested)
        self._bar.update(self._task, completed=done)
        if done >= requested:
            self._bar.stop()
