"""A running chain: its node, its producer, its observer. Whoever looks at it looks at it as of now."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from lab.chains.filters import Filters
from lab.chains.mined import Mined
from lab.chains.nodes.backend import Node
from lab.chains.observer import Observer
from lab.chains.producer import BlockProducer
from lab.chains.scheduler import Scheduler
from lab.coordinator import Codec
from lab.errors import LabError, NodeFailure, UsageError
from lab.evidence import Recorder
from lab.model.chain.finality import Finality
from lab.networks.profile import NetworkProfile
from lab.networks.slots import SlotClock
from lab.rpc import HttpTransport, Rpc, RpcFailure, RpcRefused, RpcUnavailable

CONTROL_TIMEOUT_S = 60.0
# A node that hangs is given this long at a turn, and is tried again later each time: the others wait as long.
TURN_TIMEOUT_S = 1.0
RETRY_MS, RETRY_MS_MAX = 500, 8_000
TAGS: tuple[Literal["safe", "finalized"], ...] = ("safe", "finalized")


@dataclass(frozen=True, slots=True)
class ChainPlan:
    """What a chain is to be, before it has a node. `remember` is how many blocks a reorg may go back at most."""

    name: str
    profile: NetworkProfile
    finality: Finality
    seed: int
    genesis_time: int
    remember: int


class Chain:
    """One chain of a run. `look()` is the lab's own connection; the relayer's leads through the fault layer."""

    def __init__(
        self, plan: ChainPlan, node: Node, scheduler: Scheduler, recorder: Recorder, codec: Codec, contract: str
    ) -> None:
        self.name, self.profile, self.finality = plan.name, plan.profile, plan.finality
        self.node = node
        self.contract = contract
        self.condition: Literal["up", "paused", "down"] = "up"
        self._scheduler = scheduler
        self._transport = self._connected()
        rpc = Rpc(self._transport)
        self.observer = Observer(plan.name, rpc, recorder, codec, contract)
        self.producer = BlockProducer(
            plan.profile,
            SlotClock(plan.profile, plan.seed, plan.name, plan.genesis_time),
            rpc,
            genesis_time=plan.genesis_time,
            remember=plan.remember,
            real=scheduler.clock == "real",
        )
        self.producer.listeners.append(self.observer.on_block)
        # Raw transactions by hash, as they were handed over: what a reorg can put back into the pool.
        self._raw: dict[str, str] = {}
        self._queued: list[str] = []
        self._state: str | None = None
        # By tag, the last block that is final while finality stands still, for everybody who holds it.
        self._held: dict[str, Mapping[str, int]] = {}
        self.filters = Filters()
        # Requests of the system under test that met a frozen or dead node since it stopped.
        self.blocked_calls = 0
        # Called after each turn under the real clock. Without it trouble ends the run; with it the chain goes on.
        self.on_turn: Callable[[LabError | None], None] | None = None
        self._retry_ms = RETRY_MS

    def look(self, *, pending: bool = True) -> Rpc:
        """The node as of now. Raises RpcUnavailable while it is paused or down.

        Without `pending` the block to come may still change: for questions whose answers do not show it.
        """
        if self.condition != "up":
            raise RpcUnavailable("look", f"the node of {self.name} is {self.condition}", sent=False)
        try:
            self.producer.catch_up(self._scheduler.now_ms, pending=pending)
        except RpcUnavailable as error:
            if not self.node.alive():
                raise NodeFailure(
                    f"the node of {self.name} died unasked; its last log lines:\n{self.node.log_tail()}"
                ) from error
            raise
        return self.producer.rpc

    def catch_up(self) -> None:
        """Let the slots of the time gone by pass, with blocks if the node is up."""
        if self.condition == "up":
            self.look()
        else:
            self.producer.catch_up(self._scheduler.now_ms)

    def begin(self) -> None:
        """Let the node begin with the blocks that are due, so that whoever looks next waits less."""
        if self.condition == "up":
            self.producer.begin(self._scheduler.now_ms)

    def keep_time(self) -> None:
        """Take a turn at every slot: whoever reaches the node on their own finds its blocks there in time."""
        next_ms = 0
        try:
            if self.on_turn is not None and self.condition == "up":
                self.producer.rpc.call("net_version", timeout_s=TURN_TIMEOUT_S)
            self.catch_up()
            trouble, self._retry_ms = None, RETRY_MS
        except LabError as error:
            if self.on_turn is None:
                raise
            trouble, next_ms = error, self._scheduler.now_ms + self._retry_ms
            self._retry_ms = min(2 * self._retry_ms, RETRY_MS_MAX)
        if self.on_turn is not None:
            self.on_turn(trouble)
        if trouble is None or self.node.alive():
            self._scheduler.at(max(next_ms, self.producer.next_slot_ms()), self.keep_time)

    def send(self, raw: str) -> str:
        """Hand over a signed transaction as of now; its hash."""
        rpc = self.look()
        # Before the call, whose answer may be an error although the node took the transaction.
        self.producer.pool_may_hold = True
        tx_hash = rpc.send_raw(raw)
        self.handed_over(tx_hash, raw)
        return tx_hash

    def expect(self, tx_hash: str) -> None:
        """Note that the node is about to be given a transaction by a way that the lab sees."""
        self.observer.expected.add(tx_hash)

    def handed_over(self, tx_hash: str, raw: str) -> None:
        """Note that the node was given a transaction: the next block may hold it.

        The fault proxy calls this from its own thread: each line is one atomic store, and under the real clock the
        producer asks the pool rather than trust the flag, which it may be about to overwrite.
        """
        self.expect(tx_hash)
        self._raw[tx_hash] = raw
        self.producer.pool_may_hold = True

    def waits(self, tx_hash: str) -> bool:
        """Whether a transaction that the node was given is in its pool, as far as the lab knows."""
        return tx_hash in self._raw and tx_hash not in self.observer.observed

    def reorg(self, depth: int, *, requeue: bool) -> tuple[str, ...]:
        """Replace the last `depth` blocks; the hashes of the transactions that they held.

        With `requeue` those go back to the pool, to be mined in the blocks to come; else they are gone for good.
        """
        self.look()
        now_ms = self._scheduler.now_ms
        self.observer.flush()
        self.filters.take_back(self.producer.rpc, self.producer.head.number - depth)
        replaced = self.producer.roll_back(depth)
        ancestor = self.producer.head.number
        orphaned = self.observer.orphaned_by(ancestor)
        requeued = tuple(tx_hash for tx_hash in orphaned if tx_hash in self._raw) if requeue else ()
        beyond = self._was_final(replaced[0], depth)
        self.observer.on_reorg(now_ms, ancestor, depth, orphaned, requeued, beyond=beyond)
        self.producer.replace(replaced, now_ms)
        for tx_hash in requeued:
            self.send(self._raw[tx_hash])
        for tx_hash in set(orphaned).difference(requeued):
            self._raw.pop(tx_hash, None)
        return orphaned

    def _was_final(self, lowest: Mined, depth: int) -> bool:
        """Whether a reorg of `depth` blocks, the lowest of them `lowest`, goes beyond the declared finality."""
        if self.finality.seconds is not None:
            return self._scheduler.now_ms >= lowest.t_ms + self.finality.seconds * 1000
        if self.finality.tag is not None:
            return lowest.number <= self.tagged(self.finality.tag, self.producer.head.number + depth)
        return depth > (self.finality.blocks or 0)

    def tagged(self, tag: Literal["safe", "finalized"], head: int) -> int:
        """The number that a tag means at a head: behind it as far as the network has it, or where finality was held."""
        behind = max(0, head - self.profile.tag_depth(tag))
        return min(behind, *(held[tag] for held in self._held.values())) if self._held else behind

    def hold_finality(self, holder: str) -> None:
        """From now on nothing more becomes final by a tag."""
        head = self.producer.head.number
        self._held[holder] = {tag: self.tagged(tag, head) for tag in TAGS}

    def release_finality(self, holder: str) -> None:
        """Once nobody holds it, finality is where it would have been. No error where `holder` does not hold it."""
        self._held.pop(holder, None)

    def drop_pool(self) -> int:
        """Empty the node's pool; how many transactions vanished."""
        rpc = self.look()
        pool = rpc.call("txpool_status")
        rpc.call("anvil_dropAllTransactions")
        self._forget_pool()
        return int(pool["pending"], 16) + int(pool["queued"], 16)

    def freeze(self) -> None:
        """Stop the node where it stands: requests hang, no blocks come, and none are made up for later."""
        self._needs_to_run("freeze")
        self.catch_up()
        self.producer.finish()
        self.node.pause()
        self._halt("paused")

    def thaw(self) -> None:
        """Let a frozen node go on. Transactions sent to it meanwhile are in its queue and arrive now."""
        self.producer.catch_up(self._scheduler.now_ms)
        self.node.resume()
        self.condition = "up"
        self.producer.go_on()
        queued, self._queued = self._queued, []
        for raw in queued:
            # A queued transaction may be refused like any other; whoever sent it stopped waiting long ago.
            with contextlib.suppress(RpcRefused):
                self.send(raw)

    def queue(self, raw: str) -> None:
        """Take a transaction for a frozen node: its socket accepts it, the node reads it when it goes on."""
        self._queued.append(raw)

    def crash(self) -> None:
        """Kill the node. The chain up to its head is durable, the transaction pool is lost."""
        self._needs_to_run("kill")
        self.catch_up()
        self.observer.flush()
        self._state = self.producer.rpc.call("anvil_dumpState", True)
        self.node.kill()
        self._forget_pool()
        self._transport.close()
        self._halt("down")

    def leave(self) -> None:
        """Wait until the node has answered all that it was asked, and say that it is not needed any more."""
        if self.condition == "up":
            with contextlib.suppress(RpcFailure):
                self._transport.call("net_version", [])
                if self._transport.connections == 1:
                    self.node.leave()

    def disconnect(self) -> None:
        """Close the connection to the node: nothing is asked any more."""
        self._transport.close()

    def _connected(self) -> HttpTransport:
        node = self.node
        return HttpTransport(node.url, timeout_s=CONTROL_TIMEOUT_S, connect=node.connect, pipelined=node.direct)

    def restart(self) -> None:
        """Start a killed node again from its durable state."""
        self.producer.catch_up(self._scheduler.now_ms)
        self.node = self.node.restart()
        self._transport = self._connected()
        rpc = Rpc(self._transport)
        rpc.call("anvil_loadState", self._state)
        self._state = None
        self.observer.rpc = rpc
        self.condition = "up"
        self.producer.node_restarted(rpc)

    def _forget_pool(self) -> None:
        # Over a copy: the fault proxy's thread may still be adding what it handed over before the end.
        for tx_hash in filter(self.waits, list(self._raw)):
            self._raw.pop(tx_hash, None)

    def _needs_to_run(self, action: str) -> None:
        if self.condition != "up":
            raise UsageError(
                f"expected a running node of {self.name} to {action}, it is {self.condition} already: "
                "heal the fault that stopped it before this one begins"
            )

    def _halt(self, condition: Literal["paused", "down"]) -> None:
        self.producer.stopped = True
        self.producer.slots_skipped = 0
        # The fault proxy counts in its own thread, and only from when it sees the condition.
        self.blocked_calls = 0
        self.condition = condition

    def memory_bytes(self) -> int | None:
        """Resident memory of the node."""
        return self.node.memory_bytes()
