"""The driver against a chain that is a list: open loop, retries, drops, outages. No node, no Locust."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]  # has no type information
import pytest

from lab.load.generator.cursor import slots_of
from lab.load.generator.driver import StreamDriver
from lab.load.generator.wire import NoAnswer, Refusal
from lab.load.record.plan import Plan, PlannedLeg, PlannedSegment, SenderFile, Stream
from lab.traffic.attempts import Attempt, AttemptLog, Outcome
from lab.traffic.book import read_attempts
from lab.traffic.presign import SignJob, presign
from lab.traffic.senders import load_account
from lab.traffic.signer import Template

TEMPLATE = Template(1, "0x" + "c0" * 20, 1, 2, 1, bytes(4 + 6 * 32), 4)


class FakeChain:
    """Takes raw transactions; `script` says what becomes of each request, in order: a refusal, or an exception."""

    def __init__(self, script: Sequence[Any] = (), delay_s: float = 0.0) -> None:
        self.name, self.busy, self.down = "fake", 0, False
        self.taken: list[bytes] = []
        self.requests = 0
        self.limit = 64
        self.wire = self
        self._script, self._delay_s = list(script), delay_s
        self._recovered: list[Any] = []
        self.never: bytes | None = None
        self.known: dict[int, int] = {}

    @property
    def free(self) -> bool:
        return not self.down and self.busy < self.limit

    def on_recovery(self, act: Any) -> None:
        self._recovered.append(act)

    def suspect(self) -> None:
        self.down = True

    def recover(self) -> None:
        self.down = False
        for act in self._recovered:
            act()

    def nonces(self, senders: Sequence[int]) -> list[int | None]:
        return [self.known.get(sender, 0) for sender in senders]

    def send_raw(self, raws: Sequence[bytes]) -> list[Refusal | None]:
        self.requests += 1
        if self._delay_s:
            gevent.sleep(self._delay_s)
        step = self._script.pop(0) if self._script else None
        if step == "refuse the first for good":
            self.never, step = raws[0], None
        if self.never in raws:
            return [Refusal(-32000, "no") if raw == self.never else None for raw in raws]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Refusal):
            return [step] * len(raws)
        self.taken += raws
        return [None] * len(raws)


def plan_of(folder: Path, count: int, *, tps: float, senders: int = 2, seconds: float = 0.5, **changes: Any) -> Plan:
    jobs = [SignJob(TEMPLATE, "s", sender, 0, count) for sender in range(senders)]
    files = presign(jobs, folder).files
    leg = PlannedLeg(
        number=0,
        chain="fake",
        label="x",
        senders=tuple(SenderFile(sender=i, path=str(path), first_nonce=0, count=count) for i, path in enumerate(files)),
    )
    return Plan(
        run_id="r",
        folder=str(folder),
        workers=1,
        segments=(PlannedSegment(seconds=seconds, from_tps=tps, to_tps=tps),),
        streams=(Stream(name="s", share=1, legs=(leg,)),),
        **changes,
    )


def drive(
    tmp_path: Path, plan: Plan, chain: FakeChain, *, rank: int = 0, workers: int = 1, meanwhile: Any = None
) -> tuple[StreamDriver, list[Attempt], list[str | None]]:
    path = tmp_path / f"attempts-{rank}.bin"
    log = AttemptLog(path)
    events: list[str | None] = []
    chains: Any = {"fake": chain}

    def fire(label: str, name: str, milliseconds: float, size: int, error: str | None) -> None:
        events.append(error)

    driver = StreamDriver(plan, plan.streams[0], chains, log, fire, rank=rank, workers=workers)
    if meanwhile is not None:
        gevent.spawn(meanwhile, chain)
    driver.run(time.time())
    log.close()
    return driver, noted(path), events


def test_every_arrival_is_sent_once_in_order(tmp_path: Path) -> None:
    """One event each; a sender's nonces are serial."""
    chain = FakeChain()
    driver, attempts, events = drive(tmp_path, plan_of(tmp_path, 100, tps=200), chain)
    assert driver.tally.finished
    assert len(attempts) == len(chain.taken) == len(events) == 100
    assert {a.outcome for a in attempts} == {Outcome.ACCEPTED}
    assert [a.nonce for a in attempts if a.sender == 0] == list(range(50))
    assert chain.requests < 100, "arrivals of one tick share a request"


def test_a_slow_system_does_not_slow_the_arrivals(tmp_path: Path) -> None:
    """Answers take longer than the whole schedule, and every arrival is sent in its time all the same."""
    chain = FakeChain(delay_s=0.8)
    driver, attempts, _ = drive(tmp_path, plan_of(tmp_path, 100, tps=200), chain)
    assert len(attempts) == 100
    assert driver.tally.held == 0
    assert all(a.answered_us - a.intended_us > 700_000 for a in attempts)


def noted(path: Path) -> list[Attempt]:
    rows = (Attempt(*row) for piece in read_attempts(path) for row in piece.tolist())
    return [row._replace(outcome=Outcome(row.outcome)) for row in rows]


def test_what_finds_no_connection_is_held_and_dropped(tmp_path: Path) -> None:
    """Dropped arrivals are counted and take no nonce."""
    chain = FakeChain(delay_s=0.45)
    chain.limit = 1
    plan = plan_of(tmp_path, 200, tps=200, batch_max=5, drop_after_ms=100)
    driver, attempts, _ = drive(tmp_path, plan, chain)
    dropped = [a for a in attempts if a.outcome is Outcome.DROPPED]
    sent = [a for a in attempts if a.outcome is Outcome.ACCEPTED]
    assert len(dropped) == driver.tally.dropped > 50
    assert len(dropped) + len(sent) == 100
    assert driver.tally.held >= len(dropped)
    assert sorted(a.nonce for a in sent if a.sender == 1) == list(range(len([a for a in sent if a.sender == 1])))


def test_a_refused_transaction_is_sent_again(tmp_path: Path) -> None:
    """Skipping it would leave a gap; on the second attempt `already imported` means that it arrived."""
    chain = FakeChain([Refusal(-32005, "rate limit"), Refusal(-32003, "transaction already imported")])
    _, attempts, events = drive(tmp_path, plan_of(tmp_path, 1, tps=2, senders=1), chain)
    assert [(a.outcome, a.number) for a in attempts] == [(Outcome.REFUSED, 0), (Outcome.ACCEPTED, 1)]
    assert events == ["rate limit (code -32005)", None]


def test_what_ends_a_request_leaves_its_transactions_lost(tmp_path: Path) -> None:
    """The node may have taken them: without a note the ledger could not explain what it mined."""
    chain = FakeChain([ValueError("an answer that nobody expected")])
    _, attempts, _ = drive(tmp_path, plan_of(tmp_path, 1, tps=2, senders=1), chain)
    assert [attempt.outcome for attempt in attempts] == [Outcome.LOST]


def test_a_sender_whose_nonce_is_refused_for_good_is_left_out(tmp_path: Path) -> None:
    """Everything behind its gap would wait for ever; the others go on."""
    chain = FakeChain(["refuse the first for good"])
    plan = plan_of(tmp_path, 60, tps=40, seconds=1.0, attempts_max=2)
    driver, attempts, _ = drive(tmp_path, plan, chain)
    assert driver.tally.senders_blocked == 1
    blocked = next(a.sender for a in attempts if a.outcome is Outcome.REFUSED)
    others = [a for a in attempts if a.sender != blocked and a.outcome is Outcome.ACCEPTED]
    assert len([a for a in attempts if a.sender == blocked and a.outcome is Outcome.ACCEPTED]) < len(others)
    assert len(others) + len({a.nonce for a in attempts if a.sender == blocked}) == 40
    assert driver.tally.refusals == {"no (code -32000)": 2}


def test_after_an_outage_the_chain_is_told_what_it_misses(tmp_path: Path) -> None:
    """It lost everything from nonce 3 on; that is sent again, and what was due meanwhile follows."""

    def outage(chain: FakeChain) -> None:
        while not chain.down:
            gevent.sleep(0.01)
        chain.known = {0: 3, 1: 3}
        chain.recover()

    chain = FakeChain([None] * 8 + [NoAnswer("connection refused")])
    driver, attempts, _ = drive(tmp_path, plan_of(tmp_path, 50, tps=100), chain, meanwhile=outage)
    accepted = {(a.sender, a.nonce) for a in attempts if a.outcome is Outcome.ACCEPTED}
    assert driver.tally.recoveries == 1
    assert accepted == {(sender, nonce) for sender in (0, 1) for nonce in range(25)}
    assert driver.tally.failures == {"connection refused": 1}
    assert any(a.outcome is Outcome.ACCEPTED and a.nonce == 3 and a.number == 1 for a in attempts)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_share_senders_and_arrivals(tmp_path: Path, workers: int) -> None:
    """No sender belongs to two workers, no arrival is anybody's twice."""
    plan = plan_of(tmp_path, 60, tps=60, senders=6, seconds=1.0)
    owned = [[c.sender for slot in slots_of(plan.streams[0], r, workers) for c in slot.cursors] for r in range(workers)]
    assert sorted(s for part in owned for s in part) == list(range(6))
    chains = [FakeChain() for _ in range(workers)]
    drivers = [drive(tmp_path, plan, chain, rank=r, workers=workers) for r, chain in enumerate(chains)]
    assert sum(driver.tally.arrivals for driver, _, _ in drivers) == 60
    intended = sorted(a.intended_us for _, attempts, _ in drivers for a in attempts)
    assert intended == [round(k / 60 * 1e6) for k in range(60)]
    assert load_account(0).address != load_account(1).address
