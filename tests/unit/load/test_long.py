"""A long load's division, record and sums; what runs is stood in for."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lab.errors import UsageError
from lab.load.analyse.judge import RunOutcome
from lab.load.long.page import write_page
from lab.load.long.record import ORDER, STRETCHES, LongRecord, Order, OrderedOptions, Point, Stretch, newest
from lab.load.long.run import FOLDER, begin, divided, is_long, taken_up
from lab.load.long.summary import Whole
from lab.load.profile.profile import LoadProfile, changed_profile, load_profile, with_options
from lab.load.run import Options

LEDGER = {"offered": 10, "dropped": 1, "sent": 9, "accepted": 8, "mined": 8, "succeeded": 8, "lost": 1}
DAY_MS = 24 * 3_600_000


def soak(duration_ms: int, tps: float = 300.0, profile: str = "soak") -> LoadProfile:
    """A profile of the lab's own."""
    options = {"networks": None, "workers": None, "operators": None}
    return with_options(load_profile(profile), tps=tps, duration_ms=duration_ms, **options)


def record(folder: Path, *lines: Stretch, count: int = 2) -> LongRecord:
    """With these lines."""
    order = Order(
        run_id="r",
        started="now",
        profile={"name": "x"},
        options=OrderedOptions(),
        made_with={},
        stretches_ms=(1000,) * count,
    )
    written = LongRecord.begin(folder, order)
    for line in lines:
        written.add(line)
    return written


def ended(number: int, outcome: RunOutcome = RunOutcome.PASS, **more: object) -> Stretch:
    """A stretch with a memory of two parts."""
    memory = (Point(at=5.0, memory_mib={"node a": 30.0, "generator": 50.0}),)
    values = {"seconds": 1.0, "outcome": outcome, "ledger": LEDGER, "memory": memory, "disk_mib": 3.0, **more}
    return Stretch(number=number, run=f"run-{number}", at=number, state="ended").model_copy(update=values)


@pytest.mark.parametrize("duration_ms", [1_000, 1_999, 60_000, 3_600_001, DAY_MS])
@pytest.mark.parametrize("longest_ms", [1_000, 1_500, 900_000, 3_600_000])
def test_stretches_are_the_whole(duration_ms: int, longest_ms: int) -> None:
    """None is longer than asked for, but for what is shorter than two seconds; none is shorter than a second."""
    parts = divided(duration_ms, longest_ms)
    assert sum(parts) == duration_ms
    assert max(parts) <= max(longest_ms, 1_999)
    assert min(parts) >= 1_000
    assert max(parts) - min(parts) <= 1


def test_what_is_divided(tmp_path: Path) -> None:
    """Steady loads of more than an hour, or where it is asked for; the rate bounds a stretch, too."""
    assert not is_long(soak(3_600_000, 100), None)
    assert not is_long(soak(400_000, 1_000), None)
    assert is_long(soak(401_000, 1_000), None)
    assert is_long(soak(DAY_MS), None)
    assert is_long(soak(10_000), 5_000)
    with pytest.raises(UsageError, match="--checkpoint: expected a steady shape"):
        is_long(soak(10_000, profile="ramp"), 5_000)
    slow = begin(soak(DAY_MS, 20), Options(tmp_path), None).order
    assert (slow.count, slow.seconds) == (24, 86_400)
    fast = begin(soak(DAY_MS, 1_000), Options(tmp_path), None).order
    assert max(fast.stretches_ms) <= 400_000
    with pytest.raises(UsageError, match=r"--checkpoint: expected at most 400 s, .* got 600 s"):
        begin(soak(DAY_MS, 1_000), Options(tmp_path), 600_000)


def test_more_than_one_run_bears_is_refused() -> None:
    """A shape that cannot be divided; of a flow both legs count."""
    with pytest.raises(UsageError, match=r"expected at most 400,000 transactions in one run, .* got 820,000"):
        changed_profile(load_profile("ramp"), shape=load_profile("ramp").shape.scaled(None, 600_000))
    flow = load_profile("flow")
    flow.require_one_run(200_000)
    with pytest.raises(ValueError, match="got 402,000: lower the rate or the duration, or run a soak"):
        flow.require_one_run(201_000)


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """The newest one, with its own profile and options, on the same lab and contract."""
    with pytest.raises(UsageError, match="expected a long load to go on with, found none"):
        taken_up(tmp_path)
    profile, options = soak(20_000, 5), Options(tmp_path, backend="process", command="lab load soak")
    begun = begin(profile, options, 5_000)
    again, same, with_same = taken_up(tmp_path)
    assert (again.folder, again.order, same, with_same) == (begun.folder, begun.order, profile, options)
    assert newest(tmp_path / FOLDER) == begun.folder
    path = begun.folder / ORDER
    path.write_text(path.read_text().replace(begun.order.made_with["lab"], "0.0.1"))
    with pytest.raises(UsageError, match=r"cannot go on.*: lab 0\.0\.1 then and "):
        taken_up(tmp_path)


def test_secrets_of_a_relayers_command_are_given_again(tmp_path: Path) -> None:
    """They are in no file; without them, or with another relayer, the load does not go on."""
    command = "./relayer --private-key 0x" + "7" * 64
    options = Options(tmp_path, backend="process", relayer_cmd=command)
    begun = begin(soak(20_000, 5), options, 5_000)
    assert "7777" not in (begun.folder / ORDER).read_text()
    assert taken_up(tmp_path, command)[2] == options
    with pytest.raises(UsageError, match="expected --relayer-cmd as it was given at first") as missing:
        taken_up(tmp_path)
    with pytest.raises(UsageError, match="expected the relayer that the load began with") as other:
        taken_up(tmp_path, command.replace("./relayer", "./other"))
    assert "7777" not in f"{missing.value}{other.value}"


def test_what_a_kill_leaves(tmp_path: Path) -> None:
    """A stretch without an end is run again, a line cut short is left out, and both leave the sums as they are."""
    begun = Stretch(number=2, run="run-x", at=2.0)
    written = record(tmp_path, Stretch(number=1, run="run-1", at=1.0), ended(1), begun)
    with (tmp_path / STRETCHES).open("a") as stream:
        stream.write('{"number": 2, "ru')
    read = LongRecord.read(tmp_path)
    assert read.lines == written.lines
    read.take_up()
    assert LongRecord.read(tmp_path).lines == written.lines
    assert (read.left, list(read.cut_off)) == ([2], [begun])
    whole = Whole(read)
    assert (whole.outcome, whole.exit_code, whole.balanced) == (RunOutcome.INTERRUPTED, 130, True)
    assert "stretch 2 was cut off" in "\n".join(whole.lines())
    page = write_page(read).read_text()
    assert all(title in page for title in ("Memory", "Disk after each stretch", "run-1"))


@pytest.mark.parametrize("outcome", [outcome for outcome in RunOutcome if outcome is not RunOutcome.PASS])
def test_one_stretch_decides(tmp_path: Path, outcome: RunOutcome) -> None:
    """The whole is not better than its worst stretch."""
    whole = Whole(record(tmp_path, ended(1), ended(2, outcome)))
    assert (whole.outcome, whole.record.left) == (outcome, [])
    assert f"stretch 2: {outcome}" in "\n".join(whole.lines())


@pytest.mark.parametrize("run", ["../../other", "/tmp", "", "a" * 81, "a/b"])
def test_a_stretch_names_no_folder_but_its_own(run: str) -> None:
    """What it leaves is reduced when it is taken up again."""
    with pytest.raises(ValidationError):
        Stretch(number=1, run=run, at=1.0)


@pytest.mark.parametrize("wrong", [{"lost": 0}, {"sent": 10}, {"offered": 11}, {"unexplained_count": 1}])
def test_a_ledger_that_does_not_balance_is_said(tmp_path: Path, wrong: dict[str, int]) -> None:
    """Whatever sum it is."""
    whole = Whole(record(tmp_path, ended(1), ended(2, ledger={**LEDGER, **wrong})))
    assert not whole.balanced
    assert "DOES NOT BALANCE" in "\n".join(whole.lines())
