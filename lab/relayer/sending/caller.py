"""Sends what was decided: checks again what it rests on, asks the contract what it would say, and submits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from lab.coordinator import Account, Codec
from lab.relayer.deciding.decisions import is_over, soonest
from lab.relayer.deciding.parents import Answer
from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import Action, BlockId, Job, Key, Kind, Notify, World
from lab.relayer.memory.store import Store
from lab.relayer.reading import refusals
from lab.relayer.reading.chain import Chain
from lab.relayer.sending.batches import BLOCK_SHARE, GAS_MAX, SIZES, Batches, EntryPoint
from lab.relayer.sending.outcomes import Outcomes
from lab.relayer.sending.sender import Sender
from lab.rpc import RpcFailure, RpcRefused
from lab.rpc.client import quantity
from lab.rpc.prefetch import Request
from lab.rpc.refusals import is_trouble

RETRY_POLLS_MAX = 16
EXPIRE_GAS = 150_000


class Caller(Outcomes):
    """Calls into the contracts of all chains. `deadline_passed`: READY transactions that can no more be executed."""

    def __init__(
        self,
        chains: Mapping[str, Chain],
        account: Account,
        codec: Codec,
        ledger: Ledger,
        store: Store,
        poll_ms: int,
        notify: Notify,
    ) -> None:
        super().__init__(chains, ledger, store, notify)
        self._account, self._codec, self._poll_ms = account, codec, poll_ms
        self.deadline_passed: set[Key] = set()
        self._retry: dict[Job, tuple[int, int]] = {}
        self._lapsed: set[Key] = set()
        self._canonical: set[BlockId] = set()
        self.batches = Batches(codec)

    def forget(self, chain: str) -> None:
        """What the contract said before need not hold any more: after a reorg, or where another's call was replaced."""
        self.deadline_passed = {key for key in self.deadline_passed if key[0] != chain}
        self._retry = {job: wait for job, wait in self._retry.items() if job[1] != chain}
        self._lapsed = {key for key in self._lapsed if key[0] != chain}

    def look_closer(self, chain: Chain, world: World) -> None:
        """At what no log told of, though it may have happened. Raises an RpcFailure."""
        if chain.doubted:
            self.look_at_doubted(chain, world.now_unix_ms, self._poll_ms)
        if not world.can_expire:
            self._look_at_lapsed(chain, world)

    def _look_at_lapsed(self, chain: Chain, world: World) -> None:
        """Where no call records that a window is over, none shows that a READY was missed either: look once.

        Raises an RpcFailure.
        """
        for entry in world.active:
            waits = entry.chain == chain.name and entry.ready is None and entry.key not in self._lapsed
            if waits and is_over(world.chains[chain.name], entry):
                self._learn_end(chain, entry.key, None)
                self._lapsed.add(entry.key)

    def look_again(self) -> None:
        """Forget which blocks were canonical a moment ago: what is sent from now on rests on what they are now."""
        self._canonical.clear()

    def groups(self, actions: list[Action], senders: Mapping[str, Sender], now_ms: int) -> list[tuple[Action, ...]]:
        """What is wanted, in the order to act; a backlog in groups of one kind."""

        def grouped(action: Action) -> bool:
            sender = senders[action.chain]
            if action.kind not in SIZES or sender.has(action.job) or self._waits(action, now_ms):
                return False
            batched = action.kind in self.batches.points and action.job not in sender.alone
            return batched or (self._chains[action.chain].ahead.batches and not action.ahead)

        return self.batches.groups(actions, grouped)

    def act_all(self, chain: Chain, actions: Sequence[Action], sender: Sender, now_ms: int) -> None:
        """Submit a group in one call where the contract has one for it, else each. Raises an RpcFailure of this chain.

        A group that the contract refuses is tried by halves, down to single calls, of which each stands for itself.
        """
        point = self.batches.points.get(actions[0].kind) if len(actions) > 1 else None
        alone = [action for action in actions if point is None or action.job in sender.alone]
        asked = alone if len(alone) > 1 else ()
        requests = [self._estimate(chain, self._codec.encode(action.function, action.args)) for action in asked]
        with chain.ahead.asked(requests):
            for action in alone:
                self.act(chain, action, sender, now_ms)
        if point is not None:
            together = [action for action in actions if action.job not in sender.alone]
            self._act_together(chain, point, together, sender, now_ms)

    def _act_together(
        self, chain: Chain, point: EntryPoint, actions: Sequence[Action], sender: Sender, now_ms: int
    ) -> bool:
        """Whether all of them were submitted."""
        together: dict[Job, Action] = {}
        for action in actions:
            if self._may(chain, action, sender, now_ms, together) and self.still_canonical(action.needs) == "yes":
                together[action.job] = _in_time(chain, action, now_ms)
        batch = list(together.values())
        if actions[0].ahead:
            return self._act_ahead(chain, point, batch, sender, now_ms)
        if len(batch) < 2:
            return all([self.act(chain, action, sender, now_ms) for action in batch])
        data = point.data(self._codec, batch)
        gas, reason = self._batch_gas(chain, batch[0].kind, data, len(batch))
        if gas is not None:
            sender.submit_batch(batch, data, gas, now_ms)
            return True
        if "in the past" in reason:
            return False  # the time of all of them: made anew in the next poll
        middle = len(batch) // 2
        halves = (batch[:middle], batch[middle:])
        if all([self._act_together(chain, point, half, sender, now_ms) for half in halves]):
            self.batches.takes_at_most(chain.name, batch[0].kind, middle)
        return False

    def _act_ahead(self, chain: Chain, point: EntryPoint, batch: Sequence[Action], sender: Sender, now_ms: int) -> bool:
        """Executions behind their resolution, by what others have taken before; where that is not known they wait."""
        data = point.data(self._codec, batch)
        gas = self.batches.gas(chain.name, "execute", len(batch), data) if batch else None
        limit = self._limit(chain, gas, len(batch)) if gas is not None else None
        if limit is not None:
            sender.submit_batch(batch, data, limit, now_ms)
        return limit is not None

    def act(self, chain: Chain, action: Action, sender: Sender, now_ms: int) -> bool:
        """Submit one wanted call unless something stands against it now; whether it was. Raises as `act_all` does."""
        if not self._may(chain, action, sender, now_ms):
            return False
        if action.kind == "expire" and (sender.has(("resolve", *action.job[1:])) or self._window_moved(chain)):
            return False  # a resolve still under way will end it just as well
        action = _in_time(chain, action, now_ms)
        prepared = self.prepared(chain, action, now_ms)
        if prepared is not None:
            sender.submit(action, *prepared, now_ms)
        return prepared is not None

    def _may(self, chain: Chain, action: Action, sender: Sender, now_ms: int, together: Collection[Job] = ()) -> bool:
        """Whether nothing stands against a call. `together`: what goes before it in the same transaction."""
        doubted = action.kind in ("resolve", "expire") and action.tx_id in chain.doubted
        if doubted or sender.has(action.job) or self._waits(action, now_ms):
            return False
        behind = action.after
        if behind is not None and ("resolve", *behind) not in together and not self._on_its_way(sender, behind):
            return False
        return chain.blocked_until_ms is None or now_ms >= chain.blocked_until_ms

    def _waits(self, action: Action, now_ms: int) -> bool:
        """Whether the contract has refused it a moment ago."""
        return now_ms < self._retry.get(action.job, (0, 0))[0]

    def prepared(self, chain: Chain, action: Action, now_ms: int) -> tuple[str, int] | None:
        """Call data and gas limit; None when it rests on what may be gone, or the contract would refuse it."""
        if self.still_canonical(action.needs) != "yes":
            return None
        data = self._codec.encode(action.function, action.args)
        gas = self._gas(chain, action, data, now_ms)
        return None if gas is None else (data, gas)

    def still_canonical(self, needs: tuple[BlockId, ...]) -> Answer:
        """Asked right before sending: a reorg may have come since the scan, under a real clock."""
        for need in needs:
            if need in self._canonical:
                continue
            chain = self._chains[need.chain]
            try:
                block = chain.rpc.block(need.number)
            except RpcFailure as failure:
                self._notify({"event": "rpc_failure", "chain": need.chain, "during": "recheck", "error": str(failure)})
                return "unknown"
            if block is None or str(block["hash"]).lower() != need.hash:
                return "unknown"
            self._canonical.add(need)
        return "yes"

    def _on_its_way(self, sender: Sender, key: Key) -> bool:
        entry = self._ledger.entries.get(key)
        return sender.has(("resolve", *key)) or (entry is not None and entry.ready is not None)

    def _window_moved(self, chain: Chain) -> bool:
        before, chain.window_s = chain.window_s, chain.read_window()
        return chain.window_s != before

    def _estimate(self, chain: Chain, data: str) -> Request:
        return "eth_estimateGas", [{"from": self._account.address, "to": chain.facts.contract, "data": data}]

    def _batch_gas(self, chain: Chain, kind: Kind, data: str, size: int) -> tuple[int | None, str]:
        """A gas limit with room; None where the contract refuses the whole, and why, or it takes much of a block."""
        method, params = self._estimate(chain, data)
        try:
            estimate = self.batches.gas(chain.name, kind, size, data)
            if estimate is not None:
                chain.rpc.eth_call(chain.facts.contract, data, sender=self._account.address)
            else:
                estimate = quantity(method, chain.rpc.call(method, *params))
                self.batches.estimated(chain.name, kind, size, data, estimate)
        except RpcRefused as refused:
            reason = refusals.revert_reason(refused)
            if reason is None and is_trouble(refused):
                raise
            return None, chain.codec.reasons.worded(reason or "")
        chain.unblock_calls()
        return self._limit(chain, estimate, size), ""

    def _limit(self, chain: Chain, estimate: int, size: int) -> int | None:
        """A batch's gas limit with room; None where it takes much of a block."""
        gas = estimate * 6 // 5 + 20_000 * size
        block = chain.head.gas_limit if chain.head is not None else 0
        return gas if gas <= min(GAS_MAX, block // BLOCK_SHARE or GAS_MAX) else None

    def _gas(self, chain: Chain, action: Action, data: str, now_ms: int) -> int | None:
        """A gas limit with room, or None when the contract would refuse the call."""
        method, params = self._estimate(chain, data)
        try:
            estimate = quantity(method, chain.rpc.call(method, *params))
        except RpcRefused as refused:
            reason = refusals.revert_reason(refused)
            if reason is None:
                raise
            reason = chain.codec.reasons.worded(reason)
            if action.kind == "expire" and "not expired" in reason and not chain.facts.mines_empty_blocks:
                return EXPIRE_GAS  # estimated at the old head's time; the block that holds it will carry a later one
            self._refused(chain, action, reason, now_ms)
            return None
        chain.unblock_calls()
        self._retry.pop(action.job, None)
        # Estimates are made at the head, where a resolve may still take the shorter way of coming too early.
        return estimate * 6 // 5 + 20_000

    def _refused(self, chain: Chain, action: Action, reason: str, now_ms: int) -> None:
        until_ms, wait_ms = self._retry.get(action.job, (0, 0))
        if refusals.is_shut(reason) or refusals.is_stopped(reason, chain.codec, chain.reader):
            wait_ms = chain.block_calls(now_ms)
        else:
            if now_ms >= until_ms:  # else it was priced anew: that is no attempt after the wait
                # A mirror whose time has passed by the chain's own clock is another call at the next poll.
                again = 0 if action.kind == "mirror" and "in the past" in reason else 2 * wait_ms
                wait_ms = min(RETRY_POLLS_MAX * self._poll_ms, again or self._poll_ms)
                self._retry[action.job] = (now_ms + wait_ms, wait_ms)
            if "deadline passed" in reason.lower():
                self.deadline_passed.add((action.chain, action.tx_id))
            elif action.kind != "mirror":
                self._learn_end(chain, (action.chain, action.tx_id), None)
        call = {"chain": chain.name, "kind": action.kind, "tx_id": action.tx_id}
        self._notify({"event": "refused", **call, "reason": reason, "wait_ms": wait_ms})


def _in_time(chain: Chain, action: Action, now_ms: int) -> Action:
    """A mirror for a time that can still be met: since it was decided much may have been sent before it."""
    if action.kind != "mirror":
        return action
    *content, timestamp = action.args
    at = soonest(chain.view(now_ms), chain.genesis_time * 1000 + now_ms)
    return action if timestamp >= at else replace(action, args=(*content, at))
