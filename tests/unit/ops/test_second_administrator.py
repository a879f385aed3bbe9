"""A second administrator acts at the same time: by the same account from another machine, which has another journal."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from lab.live.execution.waiting import Waiting
from lab.live.journaling.journal import Journal
from lab.ops.opening import Opened
from lab.ops.planning import Procedure
from lab.ops.procedure import carry_out
from lab.ops.procedures.operators import AddOperator, RemoveOperator, SyncOperators
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.report import ChainReport

from .conftest import Site, address

Start = Callable[..., Site]
CHAIN, OWNER, USER, NEXT = "sepolia", address("owner"), address("user"), address("newowner")


@dataclass
class Machine:
    """An administrator's: records and journals of its own, and the owner's key."""

    here: Site
    name: str
    waiting: Waiting | None = None
    done: list[ChainReport] = field(default_factory=list)

    def opened(self) -> Opened:
        """As a command opens it."""
        there, folder = self.here.opened(), self.here.folder / self.name
        timing = replace(there.operation.timing, waiting=self.waiting or there.operation.timing.waiting)
        operation = replace(there.operation, folder=folder / "records", timing=timing)
        return replace(there, operation=operation, journals=folder / "journals")

    def run(self, procedure: Procedure) -> ChainReport:
        """A command."""
        there = self.opened()
        with there.executor(OWNER) as executor:
            (report,) = carry_out(there.operation, procedure, executor).chains
        self.done.append(report)
        return report


def effects(here: Site, before: int) -> list[str]:
    """What each transaction of the owner's since then did: the name of its event, or that it reverted."""
    rpc, codec, found = here.rpc(CHAIN), here.target.codec, []
    for number in range(rpc.block_number() + 1):
        for tx in rpc.call("eth_getBlockByNumber", hex(number), True)["transactions"]:
            if tx["from"].lower() == OWNER and int(tx["nonce"], 16) >= before:
                receipt = rpc.receipt(tx["hash"]) or {}
                events = [codec.decode_log(log) for log in receipt["logs"]]
                found.append(events[0].event if events and events[0] is not None else "reverted")
    return found


def at(moment: str, event: str, other: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """The other command runs once, whole, before or after the first line of that kind of the first one's journal."""
    plain, begun = Journal.add, list[bool]()

    def add(journal: Journal, entry: Any) -> None:
        now = entry.event == event and not begun
        if now and moment == "before":
            begun.append(True)
            other()
        plain(journal, entry)
        if now and moment == "after":
            begun.append(True)
            other()

    monkeypatch.setattr(Journal, "add", add)


MOMENTS = [(moment, event) for event in ("signed", "mined", "final") for moment in ("before", "after")]


@pytest.mark.parametrize(("moment", "event"), MOMENTS)
def test_each_does_something_else(site: Start, monkeypatch: pytest.MonkeyPatch, moment: str, event: str) -> None:
    """Whoever's nonce was taken signs anew: both take effect, once."""
    here = site(CHAIN)
    before = here.rpc(CHAIN).nonce(OWNER)
    first, second = Machine(here, "first"), Machine(here, "second")
    at(moment, event, lambda: second.run(AddOperator(NEXT)), monkeypatch)
    report = first.run(AddOperator(USER))
    assert (report.standing, second.done[0].standing) == ("equal", "equal"), (report.left, second.done[0].left)
    assert effects(here, before) == ["OperatorAdded", "OperatorAdded"]
    reader = here.operation().chains[0].getters
    assert all(reader.get("authorized_operators", one) for one in (USER, NEXT))


@pytest.mark.parametrize(("moment", "event"), MOMENTS)
def test_both_do_the_same(site: Start, monkeypatch: pytest.MonkeyPatch, moment: str, event: str) -> None:
    """It is done, both say so, and it took effect once."""
    here = site(CHAIN)
    before = here.rpc(CHAIN).nonce(OWNER)
    first, second = Machine(here, "first"), Machine(here, "second")
    at(moment, event, lambda: second.run(Pause()), monkeypatch)
    report = first.run(Pause())
    assert (report.standing, second.done[0].standing) == ("equal", "equal"), (report.left, second.done[0].left)
    assert effects(here, before).count("EmergencyStop") == 1
    assert here.operation().chains[0].getters.get("paused")


def test_the_other_takes_it_back(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done and is not any more is not called equal."""
    here = site(CHAIN)
    first, second = Machine(here, "first"), Machine(here, "second")
    at("before", "final", lambda: second.run(Unpause()), monkeypatch)
    report = first.run(Pause())
    assert second.done[0].standing == "equal"
    assert report.standing == ("differs" if not here.operation().chains[0].getters.get("paused") else "equal")


def test_what_nobody_agreed_to_is_not_sent(site: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one took the nonce and left something else to be done: said, and left to be agreed to."""
    here = site(CHAIN)
    here.send(CHAIN, "owner", "add_operator", USER)
    here.mine(3)
    declared = address("operator2")
    before = here.rpc(CHAIN).nonce(OWNER)
    first, second = Machine(here, "first"), Machine(here, "second")
    removal = RemoveOperator(declared, first.opened().operation.declared, last=True, name="revoke")
    at("after", "signed", lambda: second.run(removal), monkeypatch)
    report = first.run(SyncOperators(first.opened().operation))
    assert second.done[0].standing == "equal"
    assert effects(here, before) == ["OperatorRemoved"]
    reader = here.operation().chains[0].getters
    assert [reader.get("authorized_operators", one) for one in (USER, declared)] == [True, False]
    assert report.standing == "differs"
    still = [line.partition("(")[0] for line in report.left if line.endswith("is still to be done")]
    assert still == ["add_operator", "remove_operator"]
    assert first.run(SyncOperators(first.opened().operation)).standing == "equal"


def test_truly_at_once(site: Start) -> None:
    """Four administrators start together, in threads; each adds another account."""
    here = site(CHAIN)
    before = here.rpc(CHAIN).nonce(OWNER)
    accounts = [f"0x{number:02x}" + "5b" * 19 for number in range(1, 5)]
    barrier, lock = threading.Barrier(len(accounts)), threading.Lock()
    waiting = here.waiting()

    def sleep(seconds: float) -> None:
        with lock:
            waiting.sleep(seconds)

    machines = [
        Machine(here, f"machine-{number}", replace(waiting, sleep=sleep, stuck_s=300, deadline_s=3000))
        for number in range(len(accounts))
    ]

    def work(machine: Machine, account: str) -> None:
        barrier.wait()
        machine.run(AddOperator(account))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(machines, accounts, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = [[(one.standing, one.left) for one in machine.done] for machine in machines]
    assert ended == [[("equal", [])]] * len(accounts), [repr(one) for one in ended] + here.said
    assert effects(here, before) == ["OperatorAdded"] * len(accounts)
