"""Many transactions in every state on one chain, and the commands that bring them to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.live.signers.transaction import data_of
from lab.ops import opening
from lab.ops.operation import Timing
from lab.rpc import HttpTransport

from .conftest import Site

SOURCE, OTHER = "sepolia", "base-sepolia"
BATCH, BLOCKS, LIST_GAS = 25, 1_200, 12_000_000
DUE_IN_S, WINDOW_S, STEP_S = 20_000, 60, 4
# By the place of a transaction among five; the third is a child of the second.
STATES = ("BUFFERED", "READY", "EXECUTED", "EXPIRED", "EXPIRED")


@dataclass
class Filling:
    """Brings about transactions in every state, numbered from 1 on; the first are `blocks` older than the last."""

    here: Site
    count: int
    blocks: int = BLOCKS

    def run(self) -> None:
        """All of them."""
        self.send_each("owner", [("set_breaker_threshold", (0,))])
        due = int(self.here.buffer_args(SOURCE, 1, in_s=DUE_IN_S)[-1])
        for start in range(1, self.count + 1, BATCH):
            numbers = range(start, min(start + BATCH, self.count + 1))
            self.send("buffer_batch", [self.request(number, due) for number in numbers])
            self.mine(max(1, self.blocks * BATCH // self.count))
        self.pass_time(due)
        # Parents before their children.
        for places in ((1, 3), (2,)):
            self.in_batches("resolve_batch", places)
        self.in_batches("execute_batch", (2,))
        self.send_each("operator", [("mark_failed", (self.tx_id(number),)) for number in self.numbers(3)])
        self.pass_time(due + WINDOW_S + 1)
        self.send_each("operator", [("expire_transaction", (self.tx_id(number),)) for number in self.numbers(4)])
        self.send_each("owner", [("set_breaker_threshold", (7,)), ("set_coordination_window", (45,))])
        self.mine(3)

    @staticmethod
    def tx_id(number: int) -> str:
        """Of a transaction."""
        return f"0x{number:064x}"

    def request(self, number: int, due: int) -> list[Any]:
        """What is buffered, as a batch takes it."""
        place = number % len(STATES)
        request = self.here.buffer_args(SOURCE, number)
        request[4] = self.tx_id(number - 1) if place == 2 else request[4]
        request[5] = due + 500_000 if place == 0 else due
        return request

    def numbers(self, *places: int) -> list[int]:
        """Those at these places among five."""
        return [number for number in range(1, self.count + 1) if number % len(STATES) in places]

    def in_batches(self, function: str, places: Sequence[int]) -> None:
        """One call for several."""
        ids = [self.tx_id(number) for number in self.numbers(*places)]
        for start in range(0, len(ids), BATCH):
            self.send(function, ids[start : start + BATCH])

    def send(self, function: str, *args: Any) -> None:
        """A call that has to succeed."""
        receipt = self.here.send(SOURCE, "operator", function, *args, gas=LIST_GAS)
        assert receipt is not None
        assert receipt["status"] == "0x1", function

    def send_each(self, role: str, calls: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Several, mined together."""
        for place, (function, args) in enumerate(calls, start=1):
            self.here.send(SOURCE, role, function, *args, mine=False, gas=200_000)
            if place % 100 == 0 or place == len(calls):
                self.mine(1)

    def mine(self, blocks: int) -> None:
        """On the chain that is filled."""
        self.here.rpc(SOURCE).call("anvil_mine", hex(blocks))

    def pass_time(self, until: int) -> None:
        """A block of that time or later."""
        block = self.here.rpc(SOURCE).block("latest") or {}
        self.here.rpc(SOURCE).call("evm_increaseTime", max(0, until - int(block["timestamp"], 16)))
        self.mine(1)


def hurry(here: Site, monkeypatch: pytest.MonkeyPatch, *, step_s: int = STEP_S) -> None:
    """Waiting makes blocks, between which some seconds go by: no test waits for the time that a command waits for."""
    plain = opening._timing
    # Nodes begin an hour ago. What is buffered anew goes by the later of chain and clock.
    here.rpc(OTHER).call("evm_increaseTime", 2 * 3600)
    here.rpc(OTHER).call("evm_mine")
    # From then on by blocks alone: no window passes since the machine is slow.
    here.rpc(OTHER).call("anvil_setBlockTimestampInterval", step_s)

    def sleep(seconds: float) -> None:
        here.simulated_s += seconds
        here.mine()

    def timing(*given: Any) -> Timing:
        made = plain(*given)
        return replace(made, waiting=replace(made.waiting, sleep=sleep, now=lambda: here.simulated_s))

    monkeypatch.setattr(opening, "_timing", timing)


def command(here: Site, *words: str) -> Any:
    """What it prints with --json; it has to end with exit code 0."""
    ended = invoked(here, *words)
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def invoked(here: Site, *words: str) -> Result:
    """A command of `lab ops` however it ends."""
    given = ["ops", *words, "--json", "--deployment", str(here.session), "--results", str(here.folder / "results")]
    return CliRunner().invoke(app, given)


def before_sends(here: Site, monkeypatch: pytest.MonkeyPatch, act: Callable[[str], object]) -> list[str]:
    """Before each transaction that a command sends `act` gets its function; all of them so far. Once for each."""
    plain, sent, known = HttpTransport.call, list[str](), set[str]()

    def call(transport: HttpTransport, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        if method == "eth_sendRawTransaction" and params[0] not in known:
            known.add(params[0])
            decoded = here.target.codec.decode_call(data_of(params[0]))
            assert decoded is not None
            sent.append(decoded.function)
            act(decoded.function)
        return plain(transport, method, params, timeout_s)

    monkeypatch.setattr(HttpTransport, "call", call)
    return sent


def pass_time(here: Site, seconds: int, chain: str = OTHER) -> None:
    """A block so much later."""
    rpc = here.rpc(chain)
    rpc.call("anvil_setBlockTimestampInterval", seconds)
    rpc.call("evm_mine")
    rpc.call("anvil_setBlockTimestampInterval", STEP_S)
