"""The ledger: every transaction has one end, and what nothing accounts for is found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lab.errors import EvidenceFailure
from lab.traffic import book as books
from lab.traffic.attempts import Attempt, AttemptLog, Outcome
from lab.traffic.book import NEVER, ROW, Book, pieces, read_attempts
from lab.traffic.hashes import column, positions, text_of
from lab.traffic.ledger import ChainSnapshot, Ledger, reconcile

A, B, C, D = (bytes([n]) * 32 for n in range(1, 5))
KEYS = [(0, 1, 0), (0, 1, 1), (0, 2, 0), (0, 2, 1)]
HASHES = dict(zip(KEYS, (A, B, C, D), strict=True))


def attempt(key: tuple[int, int, int], outcome: Outcome, number: int = 0, at_us: int = 1000) -> Attempt:
    return Attempt(key[0], outcome, number, key[1], key[2], at_us, at_us + 5, at_us + 50)


def read(attempts: Iterable[Attempt]) -> Book:
    entries = Book().read(pieces(attempts))
    sign(entries, HASHES)
    return entries


def sign(entries: Book, hashes: Mapping[tuple[int, int, int], bytes]) -> None:
    for (leg, sender, nonce), tx_hash in hashes.items():
        entries.sign(leg, sender, nonce, column(tx_hash))


def book(*outcomes: Outcome) -> Book:
    return read(attempt(key, outcome) for key, outcome in zip(KEYS, outcomes, strict=False))


def says(**changes: Any) -> ChainSnapshot:
    fields: dict[str, Any] = {
        "mined": (A, B, C, D), "succeeded": {A, B, C, D}, "in_pool": (), "nonces_used": {1: 2, 2: 2},
        "buffered": {A: 1, B: 1, C: 1, D: 1}, "transaction_count_rise": 4, "reachable": True,
    } | changes  # fmt: skip
    mined, buffered = fields["mined"], fields["buffered"]
    return ChainSnapshot(
        mined=column(mined),
        succeeded=np.array([tx_hash in fields["succeeded"] for tx_hash in mined], bool),
        in_pool=column(fields["in_pool"]),
        nonces_used=fields["nonces_used"],
        buffered=np.array([buffered.get(tx_hash, 0) for tx_hash in mined], np.int64),
        transaction_count_rise=fields["transaction_count_rise"],
        reachable=fields["reachable"],
    )


def reckoned(entries: Book, chain: ChainSnapshot) -> Ledger:
    return reconcile("capacity", {0}, entries, chain)


ALL = (Outcome.ACCEPTED,) * 4


def test_all_well() -> None:
    """Four offered, four succeeded, nothing unexplained."""
    ledger = reckoned(book(*ALL), says())
    assert (ledger.offered, ledger.sent, ledger.accepted, ledger.mined, ledger.succeeded) == (4, 4, 4, 4, 4)
    assert (ledger.failed, ledger.unexplained_count) == (0, 0)


def test_every_end_is_counted_apart() -> None:
    """Reverted, refused, lost, dropped: each in its own column, and explained."""
    entries = book(Outcome.ACCEPTED, Outcome.REFUSED, Outcome.LOST, Outcome.ACCEPTED)
    entries.read(pieces([Attempt(0, Outcome.DROPPED, 0, 0, 0, 5, 0, 0)]))
    sign(entries, HASHES)
    chain = says(mined=(A, D), succeeded={A}, nonces_used={1: 1, 2: 1}, buffered={A: 1}, transaction_count_rise=1)
    ledger = reckoned(entries, chain)
    assert (ledger.offered, ledger.dropped, ledger.sent) == (5, 1, 4)
    assert (ledger.succeeded, ledger.reverted, ledger.refused, ledger.lost) == (1, 1, 1, 1)
    assert (ledger.failed, ledger.unexplained) == (3, [])


def test_what_was_lost_may_have_arrived() -> None:
    """No answer came, yet it is in a block: mined, not lost."""
    ledger = reckoned(book(Outcome.LOST, *ALL[1:]), says())
    assert (ledger.accepted, ledger.mined, ledger.lost, ledger.unexplained_count) == (3, 4, 0, 0)


def test_what_waits_in_the_pool_is_no_mystery() -> None:
    """Left there, it has not succeeded."""
    chain = says(mined=(A, B, C), succeeded={A, B, C}, in_pool=(D,), nonces_used={1: 2, 2: 1},
                 buffered={A: 1, B: 1, C: 1}, transaction_count_rise=3)  # fmt: skip
    ledger = reckoned(book(*ALL), chain)
    assert (ledger.left_in_pool, ledger.failed, ledger.unexplained_count) == (1, 1, 0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"mined": (A, B, C), "succeeded": {A, B, C}, "nonces_used": {1: 2, 2: 1},
          "buffered": {A: 1, B: 1, C: 1}, "transaction_count_rise": 3}, "neither in a block nor in the pool"),
        ({"nonces_used": {1: 2, 2: 3}}, "nonce rose by 3"),
        ({"nonces_used": {1: 2, 2: 2, 9: 1}}, "sender 9"),
        ({"buffered": {A: 1, B: 1, C: 1}, "transaction_count_rise": 3}, "event for each of 4 successes, found 3"),
        ({"buffered": {A: 2, B: 1, C: 1, D: 1}, "transaction_count_rise": 5}, "found 5"),
        ({"transaction_count_rise": 5}, "transaction_count rose by 5"),
    ],
)  # fmt: skip
def test_one_unexplained_thing_is_found(changes: dict[str, Any], told: str) -> None:
    """A vanished transaction, a foreign nonce, a missing or double event, a count that is off."""
    ledger = reckoned(book(*ALL), says(**changes))
    assert ledger.unexplained_count >= 1
    assert any(told in line for line in ledger.unexplained)


def test_a_hash_that_nobody_signed() -> None:
    """The generator says it sent what is in no file."""
    entries = Book().read(pieces(attempt(key, Outcome.ACCEPTED) for key in KEYS))
    sign(entries, {key: HASHES[key] for key in KEYS[:3]})
    ledger = reckoned(entries, says())
    assert (ledger.sent, ledger.mined) == (4, 3)
    assert "leg 0, sender 2, nonce 1: it was sent, but is in no file of signed transactions" in ledger.unexplained


def test_one_hash_under_two_names_is_one_event() -> None:
    """Whoever forges a file of signed transactions does not double what the chain says."""
    entries = Book().read(pieces(attempt(key, Outcome.ACCEPTED) for key in KEYS))
    sign(entries, HASHES | {KEYS[3]: A})
    assert any("for each of 4 successes, found 3" in line for line in reckoned(entries, says()).unexplained)


def test_events_of_others_are_theirs() -> None:
    """A relayer's mirrors raise the contract's count, not this ledger's successes."""
    other = bytes(32)
    chain = says(mined=(other, A, B, C, D), buffered={A: 1, B: 1, C: 1, D: 1, other: 1}, transaction_count_rise=5)
    assert reckoned(book(*ALL), chain).unexplained_count == 0


def test_a_chain_that_is_gone_leaves_things_in_flight() -> None:
    """Accepted and not seen in a block: named, not unexplained."""
    ledger = reckoned(book(*ALL), says(mined=(A,), succeeded=set(), nonces_used={}, reachable=False))
    assert (ledger.in_flight, ledger.unexplained_count) == (3, 0)
    assert "0x" + D.hex() in ledger.in_flight_examples[2]


def test_later_attempts_keep_the_first_intended_time() -> None:
    """What is sent again after an outage is late since its own moment; the first acceptance counts."""
    key = KEYS[0]
    attempts = [attempt(key, Outcome.ACCEPTED, 2, 9000), attempt(key, Outcome.LOST, 0, 1000),
                attempt(key, Outcome.REFUSED, 1, 3000), attempt(KEYS[1], Outcome.LOST)]  # fmt: skip
    for entries in (Book().read(pieces(attempts)), Book().read(part for one in attempts for part in pieces([one]))):
        first, second = entries.rows.tolist()
        names = dict(zip(ROW.names or (), first, strict=True))
        assert [names[name] for name in ("intended_us", "sent_us", "accepted_us", "attempts")] == [1000, 1005, 9050, 3]
        assert second[-1] == NEVER


def test_the_last_attempt_says_how_one_ended() -> None:
    """Of those that were never accepted; in whatever order the workers' files are read."""
    entries = read([*(attempt(key, Outcome.LOST) for key in KEYS), attempt(KEYS[1], Outcome.REFUSED, 1)])
    chain = says(mined=(), succeeded=set(), nonces_used={}, buffered={}, transaction_count_rise=0)
    ledger = reckoned(entries, chain)
    assert (ledger.refused, ledger.lost, ledger.resent, ledger.unexplained) == (1, 3, 1, [])


def test_more_than_a_run_sends_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Distinct transactions and dropped arrivals; of one that is sent again there is one."""
    monkeypatch.setattr(books, "ARRIVALS_MAX", 4)
    again = [*(attempt(key, Outcome.LOST) for key in KEYS), attempt(KEYS[0], Outcome.ACCEPTED, 1)]
    assert len(Book().read(pieces(again)).rows) == 4
    with pytest.raises(EvidenceFailure, match="expected at most 4 arrivals of a load, got 5"):
        Book().read(pieces([*again, Attempt(0, Outcome.DROPPED, 0, 0, 0, 5, 0, 0)]))


def test_hashes_that_end_in_zeros_are_told_apart() -> None:
    """A column of them takes the zeros at an end for nothing, of all alike."""
    hashes = [bytes([7]) + bytes(31), bytes([7, 1]) + bytes(30), bytes([6]) * 32, bytes([7]) * 31 + bytes(1)]
    among = column(hashes)
    assert positions(column(hashes[::-1]), among).tolist() == [3, 2, 1, 0]
    assert positions(column(bytes([8]) * 32), among).tolist() == [-1]
    assert positions(among, column(b"")).tolist() == [-1] * 4
    assert [text_of(among, number) for number in range(4)] == ["0x" + tx_hash.hex() for tx_hash in hashes]


def test_attempts_survive_a_crash(tmp_path: Path) -> None:
    """Records come back as they went in; one that was cut off is left out."""
    path = tmp_path / "attempts.bin"
    log = AttemptLog(path)
    for nonce in range(3):
        log.add(2, Outcome.REFUSED, 300, 7, nonce, 10**12, 10**12 + 1, 10**12 + 2)
    log.close()
    path.write_bytes(path.read_bytes()[:-4])
    (found,) = read_attempts(path)
    assert found.tolist() == [(2, Outcome.REFUSED, 255, 7, n, 10**12, 10**12 + 1, 10**12 + 2) for n in range(2)]
