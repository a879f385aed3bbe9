"""A restore where time goes faster than calls: portions shrink, nothing is sent too late, what is lost is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from lab.ops.backup.batching import GAS_ROOM_IF_LATE
from lab.ops.backup.file import Backup, Saved
from lab.ops.backup.lost import lapsed_of, lost_of
from lab.ops.backup.pace import FIRST, PORTION_MAX, Blocks, Pace
from lab.ops.planning import calls_of

from .conftest import Site, address
from .many import OTHER, SOURCE, STEP_S, Filling, before_sends, command, hurry, invoked, pass_time

Start = Callable[..., Site]
WORDS = ("--only", OTHER, "--operator", address("operator"), "--yes")
# Window and threshold as `Filling` leaves them; the widest window that the contract takes.
SAVED, WIDEST_S = (45, 7), 300


def taken(here: Site, monkeypatch: pytest.MonkeyPatch, count: int, *, step_s: int = STEP_S) -> str:
    """The file of a backup of so many transactions; from now on waiting makes blocks."""
    Filling(here, count, blocks=1).run()
    hurry(here, monkeypatch, step_s=step_s)
    command(here, "backup", "--to", str(here.folder / "backups"), "--only", SOURCE)
    return str(here.folder / "backups" / f"{SOURCE}.backup.json")


def settings(here: Site) -> tuple[int, int]:
    """The window, and how many failures stop the contract."""
    getters = here.opened().operation.chains[1].getters
    return getters.get("coordination_window"), getters.get("breaker_threshold")


@pytest.mark.parametrize(("step_s", "blocks"), [(STEP_S, 7), (10 * STEP_S, 1)], ids=["slow calls", "fast time"])
def test_portions_are_what_the_chain_leaves_time_for(
    site: Start, monkeypatch: pytest.MonkeyPatch, step_s: int, blocks: int
) -> None:
    """Each call takes 28 s of the chain, or its time runs ten times as fast as usual: all is restored."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 100, step_s=step_s)
    here.mine(12)
    target = here.rpc(OTHER)
    before_sends(here, monkeypatch, lambda function: target.call("anvil_mine", hex(blocks)))
    restored = command(here, "restore", file, *WORDS)
    assert (restored["differences"], restored["left"], restored["lost"]) == ([], [], [])
    assert sum(restored["portions"]) == 100
    assert restored["portions"][0] <= FIRST
    assert settings(here) == SAVED


class Killed(BaseException):
    """As if the process had ended there."""


def killed_at(here: Site, monkeypatch: pytest.MonkeyPatch, function: str, file: str) -> None:
    """A restore that ends before the first such call is sent."""

    def end(name: str) -> None:
        if name == function:
            raise Killed

    with monkeypatch.context() as until:
        before_sends(here, until, end)
        with pytest.raises(Killed):
            invoked(here, "restore", file, *WORDS)


def test_a_restore_goes_on_after_the_saved_window(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until all is READY the window is the widest: an end and a pause of 100 s in between lose nothing of 45 s."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 50)
    killed_at(here, monkeypatch, "resolve_batch", file)
    assert settings(here) == (WIDEST_S, 0)
    pass_time(here, 100)
    restored = command(here, "restore", file, *WORDS)
    assert (restored["differences"], restored["lost"]) == ([], [])
    assert settings(here) == SAVED


def test_what_is_lost_is_named_before_anything_is_sent(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused, with what is and what helps; told to leave those, the command restores all others, and they differ."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 50)
    killed_at(here, monkeypatch, "resolve_batch", file)
    pass_time(here, 2 * WIDEST_S)
    with monkeypatch.context() as counted:
        sent = before_sends(here, counted, str)
        refused = invoked(here, "restore", file, *WORDS)
        assert (refused.exit_code, sent) == (2, [])
    # READY and EXECUTED ones; those that had failed just expire.
    assert "20 of 50 cannot" in refused.output
    assert "is BUFFERED here for time" in refused.output
    assert f"its window of {WIDEST_S} s ended at" in refused.output
    assert "deploy a new contract (`lab live deploy`) and restore onto that" in refused.output
    assert "and 17 more" in refused.output
    assert "run the command again" not in refused.output
    ended = invoked(here, "restore", file, *WORDS, "--leave-lost")
    assert ended.exit_code == 1, ended.output
    document = json.loads(ended.stdout)
    ids = {line.partition(" ")[0] for line in document["lost"]}
    assert len(ids) == 20
    assert {(one[0], one[1]) for one in document["differences"]} == {(tx_id, "state") for tx_id in ids}
    assert document["left"] == []
    assert settings(here) == SAVED


def test_nothing_is_sent_after_its_window(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chain jumps while the first batch is on its way: the others are not sent, and no repetition is advised."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 100)
    jumps = iter([2 * WIDEST_S])

    def jump(function: str) -> None:
        if function == "resolve_batch" and (seconds := next(jumps, 0)):
            pass_time(here, seconds)

    with monkeypatch.context() as slow:
        sent = before_sends(here, slow, jump)
        ended = invoked(here, "restore", file, *WORDS)
    assert ended.exit_code == 1, ended.output
    # It had room for what it came to: the ids in it are EXPIRED, and it did not run out of gas.
    assert sent.count("resolve_batch") == 1
    (told,) = json.loads(ended.stdout)["left"]
    assert "transactions to be READY, they are not" in told
    assert "is EXPIRED for time" in told
    assert "again" not in told
    with monkeypatch.context() as counted:
        sent = before_sends(here, counted, str)
        refused = invoked(here, "restore", file, *WORDS)
        assert (refused.exit_code, sent) == (2, [])
    assert "is EXPIRED here" in refused.output


def test_a_contract_that_stands_still_is_started_for_the_restore(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its stop, its deadline for executions and its breaker would each have kept a restore from ever being done."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 50)
    for function, *args in (("set_execution_window", 1), ("set_breaker_threshold", 1), ("pause",)):
        here.send(OTHER, "owner", function, *args)
    restored = command(here, "restore", file, *WORDS)
    assert restored["differences"] == []


def test_whoever_has_no_role_is_told_before_anything_is_sent(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A restore by an account that is no operator there."""
    here = site(SOURCE, OTHER)
    file = taken(here, monkeypatch, 25)
    here.send(OTHER, "owner", "remove_operator", address("operator"))
    sent = before_sends(here, monkeypatch, str)
    refused = invoked(here, "restore", file, *WORDS)
    assert (refused.exit_code, sent) == (2, [])
    assert f"lab ops operators add {address('operator')}" in refused.output


def saved(number: int, state: str, *, parent: int = 0, ready_order: int | None = None, timestamp: int = 100) -> Saved:
    """One transaction."""
    ids = (f"0x{number:064x}", f"0x{parent:064x}")
    return Saved(ids[0], state, "0x01", "0x02", "0x", ids[1], timestamp, ready_order)


def backup(*transactions: Saved) -> Backup:
    """With those."""
    return Backup(1, "0x03", 9, "0x04", 4_000, {"coordination_window": 45}, (), transactions)


NOW = 1_000


@pytest.mark.parametrize(
    ("was", "there", "lost"),
    [
        ("READY", ("BUFFERED", NOW - WIDEST_S), False),
        ("READY", ("BUFFERED", NOW - WIDEST_S - 1), True),
        ("EXECUTED", ("BUFFERED", NOW - WIDEST_S - 1), True),
        ("EXPIRED", ("BUFFERED", NOW - WIDEST_S - 1), False),
        ("BUFFERED", ("BUFFERED", 0), False),
        ("EXECUTED", ("READY", 0), False),
        ("EXECUTED", ("EXPIRED", 0), True),
        ("READY", ("EXECUTED", 0), True),
        ("BUFFERED", ("EXPIRED", 0), True),
        ("EXPIRED", ("READY", 0), False),
        ("READY", None, False),
    ],
)
def test_what_can_no_longer_become_what_it_was(was: str, there: tuple[str, int] | None, lost: bool) -> None:
    """By its state there, and by the widest window that the contract can be given."""
    order = None if was == "BUFFERED" else 0
    present = [] if there is None else [saved(1, there[0], timestamp=there[1])]
    given = backup(saved(1, was, ready_order=order))
    assert bool(lost_of(given, backup(*present), now=NOW, window_s=WIDEST_S)) is lost
    if was == "EXPIRED":
        found = lapsed_of(given, backup(*present), [], now=NOW, window_s=WIDEST_S)
        assert bool(found) is (there is not None and there[1] + WIDEST_S < NOW)


def test_a_child_is_lost_with_its_parent() -> None:
    """And one that had failed later just expires; of a parent that is EXECUTED already all children can be had."""
    chain = [saved(1, "READY", ready_order=0), saved(2, "READY", parent=1, ready_order=1)]
    given = backup(*chain, saved(3, "EXPIRED", parent=2, ready_order=2))
    there = backup(saved(1, "EXPIRED"))
    lost = lost_of(given, there, now=NOW, window_s=WIDEST_S)
    assert [one.tx_id for one in lost] == [one.tx_id for one in chain]
    assert lapsed_of(given, there, lost, now=NOW, window_s=WIDEST_S) == {f"0x{3:064x}"}
    executed = backup(saved(1, "EXECUTED"))
    assert [one.tx_id for one in lost_of(given, executed, now=NOW, window_s=WIDEST_S)] == [chain[0].tx_id]


def test_the_pace_follows_the_chain() -> None:
    """Bounded by the gas of the blocks in a third of the window; smaller after a slow portion, larger by and by."""
    assert Pace(300, Blocks(12, 30_000_000), lead_s=60).bound == PORTION_MAX
    assert Pace(45, Blocks(12, 8_000_000), lead_s=60).bound == 88
    assert Pace(5, Blocks(12, 80_000), lead_s=60).bound == 1
    pace = Pace(300, Blocks(2, 30_000_000), lead_s=60)
    assert (pace.size, pace.lead_s, pace.depth) == (FIRST, 60, 25)
    pace.readied(FIRST, 10)
    assert pace.size == 4 * FIRST
    pace.readied(4 * FIRST, 200)
    assert pace.size == 2 * FIRST, "it took two thirds of the window"
    pace.readied(2 * FIRST, 100_000)
    assert pace.size == 1
    pace.buffered(1, 600)
    assert pace.lead_s == 2 * 600 + 12 + 1
    pace.buffered(0, 600)
    assert pace.lead_s == 2 * (2 * 600 + 12 + 1)


def test_out_of_gas_is_called_so(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that was estimated in its window and is mined behind it takes more: with the room for it, it succeeds."""
    here = site(OTHER)
    there = here.opened()
    (chain,) = there.operation.chains
    here.send(OTHER, "owner", "set_breaker_threshold", 0)
    results = []
    for first, room in ((1, 1.0), (101, GAS_ROOM_IF_LATE)):
        requests = [here.buffer_args(OTHER, number, in_s=60) for number in range(first, first + 32)]
        assert (here.send(OTHER, "operator", "buffer_batch", requests, gas=12_000_000) or {})["status"] == "0x1"
        pass_time(here, 62)
        (call,) = calls_of(chain, [("resolve_batch", ([request[0] for request in requests],))])
        with monkeypatch.context() as slow, there.executor(address("operator")) as executor:
            before_sends(here, slow, lambda function: pass_time(here, 2 * WIDEST_S))
            results += executor.execute(chain, [replace(call, gas_room=room)])
    tight, roomy = results
    assert (tight.outcome, roomy.outcome) == ("refused", "confirmed")
    assert tight.reason is not None
    assert "ran out of gas" in tight.reason
    assert "again" not in tight.reason
