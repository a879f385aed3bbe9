"""A caller that re-enters: every function that changes state, called again from within itself and right after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.coordinator import rollup_address
from lab.coordinator.documented import FUNCTIONS
from lab.coordinator.reads import ZERO_ID
from lab.runner.script import Script
from lab.runner.sending import Deployed

SETUP = """
name: A re-entering operator against every function
description: >
  An attacker's contract is an operator, the owner, and the target rollup of every transaction. Whatever the
  coordinator calls it back for, it makes the same call again from within; and once more right after the first, in the
  same transaction. Nothing that may happen once may happen twice.
rows: [SEC-04]
networks: {optimism: {}}
relayer: none
window: 30s
timeout: 60m
checks: [default, S1, S5, S11]
"""

CHAIN = "optimism"
ATTACKER = Path(__file__).parents[2] / "contracts" / "attackers" / "ReenteringOperator.vy"
GAS = 2_000_000
DUE_S, WINDOW_S = 20, 30


@dataclass(frozen=True, slots=True)
class Attack:
    """One call. `once`: the same call right after it has to revert."""

    function: str
    args: tuple[Any, ...]
    once: bool


class Assault:
    """The attacker's contract, and ids in the states that it needs."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.codec = script.run.lab.spec.target.codec
        self.contract: Deployed = script.deploy(CHAIN, ATTACKER, role="attacker")
        self._ids = 0

    def request(self) -> tuple[Any, ...]:
        """A transaction that targets the attacker, due in a while."""
        self._ids += 1
        due = self.script.run.lab.genesis_time + int(self.script.now_s) + DUE_S
        return (f"0x{self._ids:064x}", rollup_address("elsewhere"), self.contract.address, "0x01", ZERO_ID, due)

    def buffered(self, count: int) -> list[str]:
        """Transactions in BUFFERED, due now."""
        requests = [self.request() for _ in range(count)]
        self.script.bulk(CHAIN, [("buffer_transaction", request) for request in requests])
        self.script.advance(DUE_S)
        return [request[0] for request in requests]

    def ready(self, count: int) -> list[str]:
        """Transactions in READY."""
        ids = self.buffered(count)
        self.script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in ids])
        return ids

    def run(self, attack: Attack) -> None:
        """Make the attack and judge what came of it."""
        script, target = self.script, self.script.run.lab.spec.target
        data = self.codec.encode(attack.function, attack.args)
        tx = script.call_other(self.contract, "attack", target.address, data, role="attacker", gas=GAS)
        first, second, callbacks, nested = (
            script.read_other(self.contract, name) for name in ("first", "second", "callbacks", "nested")
        )
        name = attack.function
        did = f"transaction {tx.status}, call {first}"
        reference = script.run.lab.spec.target.reference
        demanded = reference or FUNCTIONS[name].part == "documented"
        if demanded or first:
            script.expect(f"{name} to succeed once", did, met=bool(tx.status and first))
        came = f"called back {callbacks} times, {nested} of the calls within succeeded"
        script.expect(f"{name} not to succeed from within itself", came, met=nested == 0)
        if attack.once and (reference or name not in ("pause", "unpause")):
            script.expect(f"{name} not to succeed again in the same transaction", second, met=not second)


def operator_attacks(assault: Assault) -> list[Attack]:
    """Every function for operators, with ids that it succeeds with."""
    executable = assault.ready(3)
    resolvable = assault.buffered(2)
    attacks = [
        Attack("buffer_transaction", assault.request(), once=True),
        Attack("resolve_dependency", (resolvable[0],), once=True),
        Attack("mark_executed", (executable[0],), once=True),
        Attack("mark_failed", (executable[1],), once=True),
        Attack("buffer_batch", ([assault.request(), assault.request()],), once=True),
        Attack("resolve_batch", ([resolvable[1]],), once=True),
        Attack("execute_batch", ([executable[2]],), once=True),
    ]
    return [attack for attack in attacks if assault.codec.has(attack.function)]


def owner_attacks(assault: Assault) -> list[Attack]:
    """Every function for the owner; what only sets a value may well be set twice."""
    someone = assault.contract.address
    attacks = [
        Attack("accept_ownership", (), once=True),
        Attack("add_operator", (someone,), once=False),
        Attack("set_coordination_window", (60,), once=False),
        Attack("set_execution_window", (0,), once=False),
        Attack("set_breaker_threshold", (25,), once=False),
        Attack("pause", (), once=True),
        Attack("unpause", (), once=True),
        Attack("propose_owner", (someone,), once=False),
        Attack("remove_operator", (someone,), once=False),
    ]
    return [attack for attack in attacks if assault.codec.has(attack.function)]


def attack_lists(assault: Assault) -> None:
    """The same id twice in one batch is one transaction twice: all or nothing, so nothing."""
    (ready,), request = assault.ready(1), assault.request()
    for function, items in (("buffer_batch", [request, request]), ("execute_batch", [ready, ready])):
        if assault.codec.has(function):
            (tx,) = assault.script.bulk(CHAIN, [(function, (items,))], gas=GAS)
            expected = f"{function} of the same id twice to revert"
            assault.script.expect(expected, f"status {tx.status}", met=tx.status == 0)


def play(script: Script) -> None:
    """Operator functions, lists, expiry, then the owner's functions."""
    assault = Assault(script)
    script.expect_ok(script.call(CHAIN, "add_operator", assault.contract.address, role="owner"))
    done = operator_attacks(assault)
    for attack in done:
        assault.run(attack)
    attack_lists(assault)
    if assault.codec.has("expire_transaction"):
        (late,) = assault.buffered(1)
        script.advance(WINDOW_S + 4)
        done.append(Attack("expire_transaction", (late,), once=True))
        assault.run(done[-1])
    if script.needs("handover"):
        script.expect_ok(script.call(CHAIN, "propose_owner", assault.contract.address, role="owner"))
        for attack in owner_attacks(assault):
            done.append(attack)
            assault.run(attack)
    functions = [entry for entry in assault.codec.abi if entry["type"] == "function"]
    changing = {entry["name"] for entry in functions if entry["stateMutability"] in ("nonpayable", "payable")}
    missed = sorted(changing - {assault.codec.functions[attack.function]["name"] for attack in done})
    left = f"not attacked: {', '.join(missed) or 'none'}"
    if script.run.lab.spec.target.reference:
        script.expect("every state-changing function to be attacked", left, met=not missed)
    elif missed:
        # Functions of its own, and without a hand-over those of the owner, whom no attacker can become.
        script.note("beyond", left)


def test_reentrancy(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Attack every function and judge the history."""
    lab_run(SETUP, play)
