"""Relayers with a bad habit: what failed once is given up, what was read once stays true. One part is replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.relayer.deciding import decisions as core
from lab.relayer.deciding.parents import is_original, parents_of
from lab.relayer.memory.intents import Intent
from lab.relayer.memory.records import Action, Head, Mark, World
from lab.relayer.memory.store import Store
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.scan import Scan, scan
from lab.relayer.sending.caller import Caller
from lab.relayer.sending.sender import Sender
from lab.rpc import Rpc, RpcFailure, RpcTimeout

from .deciding import Decisions


class ExecutesAbroadOnly(Decisions):
    """Executes what has a parent on another chain, or none; what has one beside it is READY, and that will do."""

    def decide(self, world: World) -> list[Action]:
        """No execution of a child beside its parent."""
        return [each for each in core.decide(world) if each.kind != "execute" or not self._beside(world, each)]

    def pending(self, world: World) -> bool:
        return False

    @staticmethod
    def _beside(world: World, action: Action) -> bool:
        entry = world.entries[action.chain, action.tx_id]
        return any(parent.chain == entry.chain for parent in parents_of(world, entry))


class NeverTwice(Decisions):
    """What was mined once without its effect is given up."""

    def decide(self, world: World) -> list[Action]:
        """Nothing that was tried."""
        return [each for each in core.decide(world) if not world.spent.get(each.job)]

    def pending(self, world: World) -> bool:
        return False


class OldestFirst(Decisions):
    """Does one thing after the other: what is due later waits until what is due first has come to its end."""

    def decide(self, world: World) -> list[Action]:
        """What is wanted of the oldest that has not ended, and of its mirror."""
        open_ones = [entry for entry in world.active if is_original(world, entry) and entry.end_state is None]
        first = next(iter(open_ones), None)
        wanted = {first.tx_id, first.dependency} if first else set()
        return [each for each in core.decide(world) if each.tx_id in wanted]


class WindowOfOld(Decisions):
    """Asks for the window once."""

    def __init__(self) -> None:
        self._first: dict[str, int] = {}

    def _old(self, world: World) -> World:
        windows = {name: self._first.setdefault(name, chain.window_s) for name, chain in world.chains.items()}
        chains = {name: replace(chain, window_s=windows[name]) for name, chain in world.chains.items()}
        return replace(world, chains=chains)

    def decide(self, world: World) -> list[Action]:
        """By the window that it knows."""
        return core.decide(self._old(world))

    def pending(self, world: World) -> bool:
        return core.pending(self._old(world))


class StoppedForGood(Caller):
    """A chain whose contract was stopped once is no longer in use."""

    def _may(self, chain: Chain, *given: Any, **more: Any) -> bool:
        stopped: set[str] = self.__dict__.setdefault("stopped", set())
        if chain.blocked_until_ms is not None:
            stopped.add(chain.name)
        return chain.name not in stopped and super()._may(chain, *given, **more)


class SmallGas(Sender):
    """Knows what a call takes: never more than 150,000."""

    def submit(self, action: Action, data: str, gas: int, now_ms: int) -> None:
        """With that."""
        super().submit(action, data, min(gas, 150_000), now_ms)


class OtherCall(Sender):
    """Whatever waits is replaced by the newest call that it has, under the old nonce; and the old one is done with."""

    def _raise_offer(self, intent: Intent, head: Head, now_ms: int, *, cancel: bool) -> None:
        newest = max(self.open.values(), key=lambda one: one.nonce)
        intent = replace(intent, data=newest.data, gas=newest.gas)
        super()._raise_offer(intent, head, now_ms, cancel=cancel)


class BehindTheNext(Store):
    """Comes back one block behind the one it would have to go on with."""

    def trail(self, chain: str) -> list[Mark]:
        marks = super().trail(chain)
        return [*marks, (marks[-1][0] + 1, "", marks[-1][2])] if marks else marks


def first_of_a_block(rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
    """Takes the first buffering of a block for all of them."""
    head, found = scan(rpc, contract, trail, start_block)
    if found is None:
        return head, None
    first = {(log.number, log.body["topics"][0]): log for log in reversed(found.logs)}
    return head, replace(found, logs=tuple(log for log in found.logs if log in first.values()))


class GivesUpAChain:
    """After the first request to a chain that failed it looks at that chain no more."""

    def __init__(self) -> None:
        self._given_up: list[Rpc] = []

    def __call__(self, rpc: Rpc, contract: str, trail: list[Mark], start_block: int) -> tuple[Head, Scan | None]:
        if any(one is rpc for one in self._given_up):
            raise RpcTimeout("eth_getBlockByNumber", 5.0)
        try:
            return scan(rpc, contract, trail, start_block)
        except RpcFailure:
            self._given_up.append(rpc)
            raise
