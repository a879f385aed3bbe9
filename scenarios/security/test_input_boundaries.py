"""Both sides of every boundary as real transactions, each compared with what the documentation says of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from lab.coordinator import DecodedLog, role_account, rollup_address
from lab.coordinator.behaviour import MAY_FAIL, ZERO_ADDRESS
from lab.coordinator.comparison import Outcome, difference, shortened
from lab.coordinator.reads import ZERO_ID
from lab.runner.differential import behaviour, says_stopped
from lab.runner.script import Script

SETUP = """
name: Both sides of every input boundary
description: >
  Windows of 4, 5, 300 and 301 s; payloads of 0, 1, 511, 512 and 513 bytes; timestamps of now, a second before, and up
  to 2**256 - 1; zero and equal addresses; the zero id, a known id, an unknown id; a transaction that depends on
  itself, rings of two and of three. What is refused is refused for the documented reason and leaves nothing behind.
rows: [SEC-02]
networks: {optimism: {}}
relayer: none
window: 30s
timeout: 60m
checks: [default, S1, S4, S7, S11]
"""

CHAIN = "optimism"
# A payload of 512 bytes takes sixteen new storage slots.
GAS = 1_000_000
A, B = rollup_address("a"), rollup_address("b")
UNKNOWN_ID = "0x" + "99" * 32
RINGS = tuple(tuple("0x" + byte * 32 for byte in ring) for ring in (("c1",), ("d1", "d2"), ("e1", "e2", "e3")))
BY_ID = ("resolve_dependency", "mark_executed", "mark_failed", "expire_transaction")
# The window's two ends, and the seconds outside of them, as seen from the block in which all is resolved.
DUE_S, EDGES_S = 40, (-31, -30, 0, 1)
# Blocks come every two seconds: what is sent now is mined at this many seconds from now.
NEXT_BLOCK_S = 2


class Sender:
    """Sends groups of calls and compares each with the model, by the time of its own block."""

    def __init__(self, script: Script) -> None:
        self.script = script
        lab = script.run.lab
        self.codec, self.model = lab.spec.target.codec, behaviour(script, CHAIN)

    def send(self, role: str, expected: list[tuple[str, tuple[Any, ...]]]) -> None:
        """One expectation for each call."""
        chain = self.script.run.lab.chains[CHAIN]
        expected = [each for each in expected if self.codec.has(each[0])]
        # No more in one block than the contract lets an account do.
        size = self.codec.names.limits.per_block or len(expected) or 1
        groups = [expected[start : start + size] for start in range(0, len(expected), size)]
        sent = [tx for group in groups for tx in self.script.bulk(CHAIN, group, role=role, gas=GAS)]
        for (function, args), tx in zip(expected, sent, strict=True):
            block = chain.look().block(chain.observer.observed[tx.hash][0])
            assert block is not None  # it was mined
            revert = next((call.revert for call in tx.calls if call.revert), None)
            outcome = Outcome(tx.status == 1, revert, [DecodedLog(log.event, log.args) for log in tx.logs])
            now = int(block["timestamp"], 16)
            if not self.model.reference:
                self._stopped(function, outcome, chain.observer.observed[tx.hash][0])
            known = set(self.model.entries)
            found = difference(self.model, self.codec, function, args, role_account(role).address, now, outcome)
            if not outcome.ok:
                # What was refused is not there, rightly or wrongly: nothing that comes later is held to it.
                self.model.entries = {tx_id: entry for tx_id, entry in self.model.entries.items() if tx_id in known}
            did = "ok" if outcome.ok else f"reverted: {revert}"
            about = found.about.of(function) if found else None
            told = f"{function}{shortened(args)} to do as documented"
            self.script.expect(told, found or did, met=found is None, about=about)
            if outcome.ok and not self.model.reference and args and args[0] in self.model.entries:
                state = self.script.reader(CHAIN).state(args[0], block=chain.observer.observed[tx.hash][0])
                self.model.learn(function, now, paused=says_stopped(outcome), states={args[0]: state})

    def _stopped(self, function: str, outcome: Outcome, block: int) -> None:
        """A contract that is not the reference may have stopped itself before a call of this block that it refused."""
        if function in MAY_FAIL and not outcome.ok and self.codec.has("paused"):
            self.model.paused = self.model.paused or bool(self.script.reader(CHAIN).get("paused", block=block))


def requests(now: int) -> list[tuple[Any, ...]]:
    """Arguments of `buffer_transaction`, `now` the time of the block that they go into."""
    numbers = count(1)

    def request(origin: str = A, target: str = B, size: int = 1, at: int = now + 1_000) -> tuple[Any, ...]:
        return (f"0x{next(numbers):064x}", origin, target, "0x" + "5a" * size, ZERO_ID, at)

    sizes = [request(size=size) for size in (0, 1, 31, 32, 33, 511, 512, 513)]
    addresses = [request(ZERO_ADDRESS), request(target=ZERO_ADDRESS), request(B, B), request(B, A)]
    ids = [(ZERO_ID, *request()[1:]), sizes[0]]
    times = [request(at=at) for at in (0, now - 1, now, now + 1, 2**64 - 1, 2**64, 2**256 - 1)]
    return [*sizes, *addresses, *ids, *times]


def play(script: Script) -> None:
    """Windows, requests, rings in time and past it, unknown ids, a paused contract."""
    sender = Sender(script)
    genesis = script.run.lab.genesis_time
    sender.send("owner", [("set_coordination_window", (window,)) for window in (0, 4, 301, 2**256 - 1, 5, 300, 30)])
    # On the second after a block, so that the time of the next one is known.
    script.advance_to(script.run.lab.chains[CHAIN].producer.head.timestamp - genesis + 1)
    now = script.run.lab.chains[CHAIN].producer.head.timestamp + NEXT_BLOCK_S
    due = now + DUE_S
    rings = [(tx_id, A, B, "0x", parent, due) for ring in RINGS
             for tx_id, parent in zip(ring, (*ring[1:], ring[0]), strict=True)]  # fmt: skip
    edges = [(f"0x{0xED6E00 + index:064x}", A, B, "0x", ZERO_ID, due + edge) for index, edge in enumerate(EDGES_S)]
    sender.send("operator", [("buffer_transaction", each) for each in (*requests(now), *rings, *edges)])
    resolves = [("resolve_dependency", (request[0],)) for request in (*edges, *rings)]
    unknown = [(name, (UNKNOWN_ID,)) for name in BY_ID]
    script.advance_to(due - genesis)
    sender.send("operator", [*resolves, *unknown])
    script.advance_to(due - genesis + 31)
    sender.send("operator", [*resolves, *resolves, *unknown])
    sender.send("attacker", [("buffer_transaction", requests(now)[0]), *unknown])
    sender.send("owner", [("pause", ()), ("pause", ())])
    sender.send("operator", [("buffer_transaction", requests(due + 60)[1]), *unknown])
    sender.send("owner", [("unpause", ()), ("unpause", ())])


def test_input_boundaries(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Send them all and judge the history."""
    lab_run(SETUP, play)
