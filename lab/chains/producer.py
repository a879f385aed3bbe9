"""The block producer: mines every block of one chain explicitly, with the profile's timestamp and base fee.

It is lazy: blocks that are due are mined when somebody looks at the chain, or hands it a transaction. Nobody can tell
the difference, since every way to the chain leads through `catch_up` first. Blocks of which all is known beforehand (no
transaction waits, no fault acts) are handed over many at a time, and may be begun before anybody looks. A reorg is a
rollback followed by mining the same slots again, so that timestamps and base fees are what the network would have set.

Under the real clock others reach the node on their own: the chain takes a turn at each slot, and the producer asks the
node what its pool holds instead of remembering what it was handed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.chains.mined import POOL_STATUS, Mined, RecentBlocks, pool_counts
from lab.chains.rollback import roll_back
from lab.errors import LabError
from lab.networks.fees import FeeCurve
from lab.networks.profile import NetworkProfile
from lab.networks.slots import Slot, SlotClock
from lab.rpc import HttpTransport, Rpc
from lab.rpc.ahead import AHEAD_MAX, Ahead

# Replacement blocks carry another fee recipient than the blocks they replace, else empty ones would be the same blocks.
FEE_RECIPIENT = "0x00000000000000000000000000000000000fee{:02x}"
SET_BASE_FEE, MINE = "anvil_setNextBlockBaseFeePerGas", "anvil_mine_detailed"


class BlockProducer:
    """Mines one chain. `listeners` get every block in order, `kept` by number as the node showed them, if any."""

    def __init__(
        self,
        profile: NetworkProfile,
        slots: SlotClock,
        rpc: Rpc,
        *,
        genesis_time: int,
        remember: int,
        real: bool = False,
    ) -> None:
        self.profile, self.rpc = profile, rpc
        self.gas_limit = profile.gas_limit
        self.listeners: list[Callable[[Mined], None]] = []
        # Faults' say in the blocks to come: fees, gas limits, slots without a block, timestamps, what precedes each.
        self.fee_rules: list[Callable[[int], int]] = []
        self.gas_limit_cuts: list[int] = []
        self.withholders: list[Callable[[Slot], bool]] = []
        self.clock_rules: list[Callable[[int, Mined], int]] = []
        self.before_block: list[Callable[[Slot], None]] = []
        self.pool_may_hold = self.stopped = False
        self.slots_skipped = 0
        # How often a block comes all the same on an idle chain that mines no empty ones; None: not at all.
        self.idle_ms: int | None = None
        self._real, self._slots, self._genesis_time = real, slots, genesis_time
        self._curve = FeeCurve(profile)
        self._next_slot = self._branch = self._loaded_at = 0
        self._next_set: tuple[int, int] | None = None
        # Number of the head and index of the slot for which the pending block was fixed.
        self._pinned = (0, -1)
        # What the node was handed without waiting for it, and the blocks that come of it.
        self._ahead: list[Ahead] = []
        self._begun: list[Mined] = []
        self.kept: dict[int, dict[str, Any]] | None = None
        fees = profile.initial_base_fee_wei, 0, profile.gas_limit, None, 0, self._curve.snapshot()
        self.recent = RecentBlocks(Mined(0, 0, genesis_time, *fees), remember)

    @property
    def head(self) -> Mined:
        """The last block mined."""
        return self.recent.head

    def mine_setup(self) -> None:
        """Mine the pool into block 1 at genesis time, outside of the slots."""
        self.pool_may_hold = True
        self._mine(Slot(-1, 0, self._genesis_time, False), t_ms=0)
        self.pin()

    def catch_up(self, now_ms: int, *, pending: bool = True) -> None:
        """Mine every block that is due by `now_ms`, and fix the `pending` one. While stopped, slots pass by without."""
        self.finish()
        if not self.stopped and self.next_slot_ms() <= now_ms and (self._real or self.pool_may_hold):
            self.pool_may_hold = self._pool()[0] > 0
        while self.next_slot_ms() <= now_ms and self._pass_slot(now_ms):
            pass
        if pending and self._pinned != (self.head.number, self._next_slot):
            self.pin()

    def _pass_slot(self, now_ms: int) -> bool:
        """Let the next slot pass, or several; False if none is due."""
        idle = not self.profile.mines_empty_blocks and not self.pool_may_hold and not self.before_block
        if idle:
            ends_ms = now_ms if self.idle_ms is None or self.stopped else self.head.t_ms + self.idle_ms - 1
            self._next_slot = max(self._next_slot, self._slots.next_index_after(min(now_ms, ends_ms)))
            if self.next_slot_ms() > now_ms:
                return False
        if not idle and self._begin(now_ms):
            self.finish()
            return True
        slot = self._slots.slot(self._next_slot)
        if slot.t_ms > now_ms:
            return False
        self._next_slot += 1
        if self.stopped:
            self.slots_skipped += 1
        elif not slot.missed and not self._withheld(slot):
            for hook in self.before_block:
                hook(slot)
            if self.profile.mines_empty_blocks or self.pool_may_hold or idle:
                # A late turn on the wall clock makes a late block, and the record says so.
                self._mine(slot, t_ms=max(slot.t_ms, now_ms) if self._real else slot.t_ms)
        return True

    def begin(self, now_ms: int) -> None:
        """Let the node begin with the blocks due by `now_ms`; `catch_up` waits for them. Others are left to it."""
        if self.profile.mines_empty_blocks and self.next_slot_ms() <= now_ms:
            self.finish()
            self._begin(now_ms)

    def _begin(self, now_ms: int) -> bool:
        """Hand over some of the blocks that are due, where all is known of them: they hold nothing, and no fault acts.

        False where there are none.
        """
        transport = self.rpc.transport
        rules = (self.fee_rules, self.gas_limit_cuts, self.withholders, self.clock_rules, self.before_block)
        if self._real or self.stopped or self.pool_may_hold or any(rules) or not isinstance(transport, HttpTransport):
            return False
        parent = self.head
        calls: list[tuple[str, list[Any]]] = []
        while len(calls) + 2 <= AHEAD_MAX // 2 and (slot := self._slots.slot(self._next_slot)).t_ms <= now_ms:
            self._next_slot += 1
            if slot.missed:
                continue
            timestamp, base_fee = self._next_block(parent, slot, slot.t_ms - parent.t_ms)
            calls += self._mining(timestamp, base_fee)
            state = self._curve.snapshot()
            parent = Mined(parent.number + 1, slot.t_ms, timestamp, base_fee, 0, self.gas_limit, None, 0, state)
            self._begun.append(parent)
        if calls:
            self._ahead.append(transport.ahead(calls))
        return bool(calls)

    def finish(self) -> None:
        """Wait for all that the node was handed. Raises an RpcFailure."""
        ahead, self._ahead = self._ahead, []
        begun, self._begun = self._begun, []
        results = [result for handed in ahead for result in handed.results()]
        blocks = [result[0] for result in results if isinstance(result, list)]
        for mined, block in zip(begun, blocks, strict=True):
            self._add(mined, block)

    def next_slot_ms(self) -> int:
        """When the next slot is due."""
        return self._slots.slot(self._next_slot).t_ms

    def next_base_fee(self) -> int:
        """What the next block will charge, in wei per gas, if it comes in the next slot."""
        parent = self.head
        after_ms = max(0, self.next_slot_ms() - parent.t_ms)
        return self._ruled(self._curve.peek(parent.base_fee, parent.gas_used, parent.gas_limit, after_ms))

    def pin(self) -> None:
        """Fix what the node's pending block shows to the next slot: left alone, it follows the wall clock."""
        if not self.stopped:
            self._pinned = self.head.number, self._next_slot
            self._set_next(self._timestamp(self._slots.slot(self._next_slot), self.head), self.next_base_fee())

    def set_gas_limit(self, gas_limit: int) -> None:
        """Change the gas limit of the blocks to come. A stopped node gets it when it goes on."""
        self.gas_limit = gas_limit
        if not self.stopped:
            self.rpc.call("evm_setBlockGasLimit", hex(gas_limit))

    def go_on(self) -> None:
        """Mine again after a stop, from the next slot on."""
        self.stopped = False
        self.set_gas_limit(self.gas_limit)
        self.pin()

    def roll_back(self, depth: int) -> list[Mined]:
        """Take back the last `depth` blocks and return them. Their transactions do not return to the pool.

        Raises LabError if the chain is not that long or the producer no longer remembers the ancestor.
        """
        deepest = self.recent.deepest_reorg
        if not 1 <= depth <= deepest:
            raise LabError(
                f"{self.profile.name}: expected a reorg depth of 1 to {deepest} "
                f"(the head is block {self.head.number}; set-up and pruned blocks stay), got {depth}"
            )
        roll_back(self.rpc, head=self.head.number, depth=depth, loaded_at=self._loaded_at)
        replaced = self.recent.take_back(depth)
        self._next_set = None
        self._curve.restore(self.head.fee_state)
        self._branch += 1
        self._set_fee_recipient()
        # A rollback takes the ancestor's limit along, whatever was set since.
        self.set_gas_limit(self.gas_limit)
        return replaced

    def replace(self, replaced: list[Mined], now_ms: int) -> None:
        """Mine the slots of blocks taken back once more: all at once, as a competing branch arrives.

        A chain that mines no empty blocks is left at the ancestor until it has transactions again.
        """
        if self.profile.mines_empty_blocks:
            before_ms = self.head.t_ms
            for old in replaced:
                self._mine(Slot(-1, now_ms, old.timestamp, False), t_ms=now_ms, elapsed_ms=old.t_ms - before_ms)
                before_ms = old.t_ms
        self.pin()

    def node_restarted(self, rpc: Rpc) -> None:
        """Go on with a fresh node that holds the same chain."""
        self.rpc, self._loaded_at = rpc, self.head.number
        self._ahead, self._begun = [], []
        self.recent.forget_shown()
        self._next_set = None
        self.pool_may_hold = False
        if self._branch:
            self._set_fee_recipient()
        self.go_on()

    def _set_fee_recipient(self) -> None:
        self.rpc.call("anvil_setCoinbase", FEE_RECIPIENT.format(self._branch % 256))

    def _withheld(self, slot: Slot) -> bool:
        # Every rule is asked: each counts for itself.
        return any([rule(slot) for rule in self.withholders])

    def _timestamp(self, slot: Slot, parent: Mined) -> int:
        """What the slot's block carries. Blocks mined again after a reorg (no slot of their own) keep theirs."""
        timestamp = slot.timestamp
        if slot.index >= 0:
            for rule in self.clock_rules:
                timestamp = rule(timestamp, parent)
        return max(timestamp, parent.timestamp)

    def _next_block(self, parent: Mined, slot: Slot, elapsed_ms: int) -> tuple[int, int]:
        """Timestamp and base fee of a block that comes so long after its parent."""
        fee = self._curve.next(parent.base_fee, parent.gas_used, parent.gas_limit, max(0, elapsed_ms))
        return self._timestamp(slot, parent), self._ruled(fee)

    def _ruled(self, base_fee: int) -> int:
        for rule in self.fee_rules:
            base_fee = rule(base_fee)
        return base_fee

    def _set_next(self, timestamp: int, base_fee: int) -> None:
        """Both hold until a block is mined: what is set already is not set again."""
        if self._next_set != (timestamp, base_fee):
            self._next_set = (timestamp, base_fee)
            self._ahead.append(self._handed([("evm_setNextBlockTimestamp", [timestamp]), (SET_BASE_FEE, [base_fee])]))

    def _handed(self, calls: list[tuple[str, list[Any]]]) -> Ahead:
        """One call after the other; under the virtual clock without waiting for each. Raises an RpcFailure."""
        transport = self.rpc.transport
        if isinstance(transport, HttpTransport) and not self._real:
            return transport.ahead(calls)
        return Ahead([], lambda: None, [self.rpc.call(method, *params) for method, params in calls])

    def _mine(self, slot: Slot, *, t_ms: int, elapsed_ms: int | None = None) -> None:
        parent = self.head
        timestamp, base_fee = self._next_block(parent, slot, t_ms - parent.t_ms if elapsed_ms is None else elapsed_ms)
        calls = self._mining(timestamp, base_fee)
        pool: list[tuple[str, list[Any]]] = [(POOL_STATUS, [])] if self.pool_may_hold else []
        results = self._handed(calls + pool).results()
        mined = Mined(parent.number + 1, t_ms, timestamp, base_fee, 0, self.gas_limit, None, 0, self._curve.snapshot())
        self._add(mined, results[len(calls) - 1][0], results[-1] if pool else None)

    def _mining(self, timestamp: int, base_fee: int) -> list[tuple[str, list[Any]]]:
        """The calls that mine a block: few, since simulating minutes of a fast chain consists of little else."""
        known, self._next_set = self._next_set == (timestamp, base_fee), None
        return [(MINE, [])] if known else [(SET_BASE_FEE, [base_fee]), (MINE, [{"timestamp": timestamp}])]

    def _add(self, mined: Mined, block: dict[str, Any], pool: Any = None) -> None:
        """What it holds the block itself tells, whoever sent it, and when; `pool` is the one after it, if known."""
        number, got = mined.number, int(block["number"], 16)
        if got != number:
            raise LabError(
                f"{self.profile.name}: expected to mine block {number}, got {got}: somebody else drives this node"
            )
        if self.kept is not None:
            self.kept[number] = block
        mined, body = replace(mined, shown=block), block if block["transactions"] else None
        if self.pool_may_hold or body:
            waiting, queued = self._pool() if pool is None else pool_counts(pool)
            self.pool_may_hold = waiting + queued > 0
            gas_used = int(body["gasUsed"], 16) if body else 0
            mined = replace(mined, gas_used=gas_used, body=body, waiting=waiting)
        self.recent.add(mined)
        for listener in self.listeners:
            listener(mined)

    def _pool(self) -> tuple[int, int]:
        return pool_counts(self.rpc.call(POOL_STATUS))
