"""Load for longer than one run bears, in stretches. The lab may be killed at any moment: `resume` goes on.

A node keeps every transaction in memory, so a stretch ends before that is much, and the next begins on nodes of its
own. What a stretch leaves is reduced to its results, so that disk does not grow with the hours either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from lab.errors import UsageError
from lab.evidence.repository import lab_state
from lab.evidence.seal import MANIFEST
from lab.load.analyse.judge import RunOutcome
from lab.load.analyse.reconcile import Result
from lab.load.long.page import write_page
from lab.load.long.record import ORDER, LongRecord, Order, OrderedOptions, Stretch, newest
from lab.load.long.summary import MIB, Whole, stretch_of
from lab.load.profile.profile import TRANSACTIONS_MAX, LoadProfile, changed_profile
from lab.load.profile.shapes import Constant, Soak
from lab.load.report.files import LOAD, PAGE, ROWS, SERIES, write_files
from lab.load.run import SIGNED, Notify, Options, Progress, run_load, system_of
from lab.model.redacted import HIDDEN, redact_command
from lab.model.run_names import new_run_id
from lab.session.suite import cache_folder, compile_target

FOLDER = "long"
HOUR_MS = 3_600_000
KEPT = frozenset({LOAD, SERIES, ROWS, PAGE, MANIFEST})
# Of stretches that did not pass, all that they left is kept of this many.
KEPT_WHOLE_MAX = 3
RunLoad = Callable[[LoadProfile, Options, Notify, Progress | None], tuple[Result, Path]]


def is_long(profile: LoadProfile, checkpoint_ms: int | None) -> bool:
    """Whether a load is run in stretches: where they were asked for, or it is steady and more than one run bears."""
    if isinstance(profile.shape, (Constant, Soak)):
        return checkpoint_ms is not None or profile.shape.duration_ms > _longest_ms(profile)
    if checkpoint_ms is not None:
        raise UsageError(f"--checkpoint: expected a steady shape (soak, constant), got {profile.shape.kind}")
    return False


def begin(profile: LoadProfile, options: Options, checkpoint_ms: int | None) -> LongRecord:
    """Write down what is going to be run."""
    shape = profile.shape
    assert isinstance(shape, (Constant, Soak))
    longest = _longest_ms(profile)
    if checkpoint_ms is not None and checkpoint_ms > longest:
        raise UsageError(
            f"--checkpoint: expected at most {longest / 1000:g} s, {TRANSACTIONS_MAX:,} transactions or an hour, for "
            f"nodes and ledger keep a stretch in memory; got {checkpoint_ms / 1000:g} s"
        )
    run_id = new_run_id()
    order = Order(
        run_id=run_id,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        profile=profile.model_dump(mode="json"),
        options=_recorded(options),
        made_with=_made_with(profile, options),
        stretches_ms=tuple(divided(shape.duration_ms, checkpoint_ms or longest)),
    )
    return LongRecord.begin((options.results / FOLDER / run_id).absolute(), order)


def _longest_ms(profile: LoadProfile) -> int:
    """How long a stretch may be: an hour, or what one run bears."""
    assert isinstance(profile.shape, (Constant, Soak))
    a_second = profile.shape.tps * profile.calls_each
    return min(HOUR_MS, max(1_000, int(TRANSACTIONS_MAX / a_second * 1000)))


def divided(duration_ms: int, longest_ms: int) -> list[int]:
    """Equal stretches, none longer than that, and none shorter than a second."""
    count = max(1, min(-(-duration_ms // longest_ms), duration_ms // 1_000))
    return [duration_ms // count + (number < duration_ms % count) for number in range(count)]


def taken_up(results: Path, relayer_cmd: str | None = None) -> tuple[LongRecord, LoadProfile, Options]:
    """The newest long load of a results folder, to go on. Raises UsageError where there is none, or it is another's.

    `relayer_cmd` is the relayer's command as it was given at first, where that had secrets in it.
    """
    folder = newest(results / FOLDER)
    if folder is None:
        raise UsageError(f"{results / FOLDER}: expected a long load to go on with, found none; see `lab load soak`")
    record = LongRecord.read(folder)
    profile, options = record.order.load_profile(folder / ORDER), _options(record.order.options, results)
    options = replace(options, relayer_cmd=_same_relayer(options.relayer_cmd, relayer_cmd))
    here, then = _made_with(profile, options), record.order.made_with
    changed = [name for name in here if here[name] != then.get(name)]
    if differing := [f"{name} {then.get(name)} then and {here[name]} now" for name in changed]:
        raise UsageError(f"{folder}: cannot go on, for not all is as it was: {'; '.join(differing)}")
    record.take_up()
    return record, profile, options


def _same_relayer(recorded: str | None, given: str | None) -> str | None:
    """The command to start it with. Raises UsageError where it must be given, or another one is."""
    if given is not None and _without_secrets(given) != recorded:
        raise UsageError(
            f"--relayer-cmd: expected the relayer that the load began with, {recorded or 'that of the project'}; got "
            f"{redact_command(given)}"
        )
    if given is None and recorded is not None and HIDDEN in recorded:
        raise UsageError(
            "lab load resume: expected --relayer-cmd as it was given at first, for its secrets are written nowhere: "
            f"{recorded}"
        )
    return given or recorded


def _without_secrets(command: str) -> str:
    """The command itself where it has none."""
    shown = redact_command(command)
    return shown if HIDDEN in shown else command


def run_long(
    record: LongRecord,
    profile: LoadProfile,
    options: Options,
    notify: Notify,
    progress: Progress | None = None,
    run: RunLoad = run_load,
) -> Whole:
    """Run what is left, a page after each stretch. Raises a LabError, after which it can be taken up again."""
    order = record.order
    for line in record.cut_off:
        notify(f"stretch {line.number} was cut off after it began: it is run again")
        _reduce(record.folder, [line.run])
    for number in record.left:
        stretch_ms = order.stretches_ms[number - 1]
        notify(f"stretch {number} of {order.count}: {stretch_ms / 1000:g} s")
        begun = Stretch(number=number, run=f"{number}-{new_run_id()}", at=round(time.time(), 1))
        record.add(begun)
        within = replace(options, results=record.folder / begun.run)
        result, folder = run(_stretched(profile, stretch_ms), within, notify, progress)
        write_files(result, folder)
        ended = stretch_of(result, begun)
        kept_whole = sum(line.outcome is not RunOutcome.PASS for line in record.done.values()) >= KEPT_WHOLE_MAX
        _reduce(record.folder, [begun.run] if ended.outcome is RunOutcome.PASS or kept_whole else [])
        record.add(ended.model_copy(update={"disk_mib": round(_disk_mib(record.folder), 1)}))
        write_page(record)
        if ended.state == "interrupted":
            break
    return Whole(record)


def _stretched(profile: LoadProfile, stretch_ms: int) -> LoadProfile:
    return changed_profile(profile, shape=profile.shape.scaled(None, stretch_ms))


def _reduce(folder: Path, runs: list[str]) -> None:
    """Leave results only: of these runs, and of those that a kill cut off, nothing can be reconciled any more."""
    for run in runs:
        for path in _files(folder / run):
            if path.name not in KEPT:
                path.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _disk_mib(folder: Path) -> float:
    """Of the load's folder and of the signed transactions that runs share."""
    files = [*_files(folder), *_files(cache_folder() / SIGNED)]
    return sum(path.stat().st_size for path in files if path.exists()) / MIB


def _made_with(profile: LoadProfile, options: Options) -> dict[str, str]:
    contract, state = compile_target(system_of(options, profile)).contract, lab_state()
    changed = " with changes" if state["dirty"] else ""
    return {
        "lab": f"{state.get('version')} {state['commit'] or ''}{changed}".strip(),
        "contract": f"{contract.name} {contract.bytecode_sha256[:16]}",
    }


def _recorded(options: Options) -> OrderedOptions:
    return OrderedOptions(
        backend=options.backend,
        image=options.image,
        contract=str(options.contract.absolute()) if options.contract is not None else None,
        relayer_cmd=_without_secrets(options.relayer_cmd) if options.relayer_cmd is not None else None,
        beside=tuple(str(path.absolute()) for path in options.beside),
        command=options.command,
    )


def _options(recorded: OrderedOptions, results: Path) -> Options:
    return Options(
        results=results,
        backend=recorded.backend,
        image=recorded.image,
        contract=Path(recorded.contract) if recorded.contract is not None else None,
        relayer_cmd=recorded.relayer_cmd,
        beside=tuple(map(Path, recorded.beside)),
        command=recorded.command,
    )
