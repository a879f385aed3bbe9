"""What a contract says of itself after its set-up: where the documented behaviour that it is compared with begins."""

from __future__ import annotations

from random import Random
from typing import Any, Protocol

from lab.coordinator import Codec
from lab.coordinator.accounts import ROLES, role_account
from lab.coordinator.behaviour import Behaviour
from lab.coordinator.values import plain
from lab.model.contract.names import Limits
from lab.runner.model_based.build import Builder, Traits
from lab.runner.model_based.sequence import USUAL, Block, Due, Step
from lab.runner.model_based.spaced import Calls


class Simulated(Protocol):
    """A contract that can be called and read in simulation."""

    codec: Codec
    limits: Limits
    traits: Traits
    views: list[str]
    start: int

    def results(self, steps: list[Step], like: Block = USUAL) -> list[dict[str, Any]]:
        """What became of calls."""

    def simulate(self, blocks: list[Calls], like: Block = USUAL) -> list[list[dict[str, Any]]]:
        """What became of blocks."""

    def values(self, name: str, answer: dict[str, Any]) -> list[Any]:
        """A view's answer, value by value."""


def first_life(player: Simulated, like: Block = USUAL) -> str | None:
    """Buffer one and resolve it when it is due: None, or which revert comes in between."""
    make = Builder(Random(0), player.traits, 0)
    lead_s = max(9, player.limits.resolve_after_seconds or 0)
    tx_id = make.buffer(Due(make.now + lead_s))
    make.wait(lead_s + 1)
    make.resolve(tx_id)
    results = player.results(make.steps, like)
    refused = [result for result in results if result["status"] != "0x1"]
    if results and not refused:
        return None
    reason = player.codec.reasons.decoded(refused[0]["returnData"]) if refused else "it is not to be set up"
    return f"a call reverts: {reason or 'without a reason'}"


def first_model(player: Simulated, like: Block) -> Behaviour:
    """Owner, operators and settings, as its views have them in such blocks."""
    reads: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in player.views]
    accounts = [role_account(role).address for role in ROLES]
    getters = player.codec.role_getters
    reads += [(getter, (account,)) for getter in getters.values() for account in accounts]
    user = role_account("user").address
    (block,) = player.simulate([(player.start, [(user, *read) for read in reads])], like)
    values = {read: player.values(read[0], result)[0] for read, result in zip(reads, block, strict=True)}
    holders = {role: {one for one in accounts if values[getter, (one,)]} for role, getter in getters.items()}
    operators = holders.pop("operator", None)
    model = Behaviour(
        plain(values.get(("owner", ()), role_account("owner").address)),
        operators or _who_may_buffer(player, accounts, like),
        values.get(("coordination_window", ()), 30),
        breaker=False,
        expiry=False,
        count=values.get(("transaction_count", ()), 0),
        reference=False,
        second_roles=player.codec.names.second_roles,
    )
    model.holders |= holders
    return model


def _who_may_buffer(player: Simulated, accounts: list[str], like: Block) -> set[str]:
    """Operators of a contract that has no getter for them."""
    fields = ("0x" + "11" * 20, "0x" + "22" * 20, "0x", "0x" + "00" * 32, player.start + 3600)
    calls = [(account, "buffer_transaction", (f"0x{n:064x}", *fields)) for n, account in enumerate(accounts, 1)]
    (block,) = player.simulate([(player.start, calls)], like)
    return {account for account, result in zip(accounts, block, strict=True) if result["status"] == "0x1"}
