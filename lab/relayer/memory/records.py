"""The frozen nouns of the relayer: what it knows of chains and transactions, and what it wants to do. No I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["mirror", "resolve", "execute", "expire", "fill"]  # fill: an empty transaction that closes a gap
Key = tuple[str, str]  # chain name, tx_id
Job = tuple[Kind, str, str]  # what, chain name, tx_id
Crash = Callable[[str], None]
Notify = Callable[[dict[str, Any]], None]

CRASH_POINTS: tuple[str, ...] = (
    "after_scan",  # scan committed, nothing decided yet
    "after_intent",  # intent persisted, nothing sent
    "before_send",  # the moment before the bytes leave
    "after_send",  # sent, not yet recorded as sent
    "after_receipt",  # receipt seen, outcome not yet recorded
    "before_checkpoint",  # logs read, neither they nor the scan position committed
)

# How often one job may be tried to its end. A job counts only when its transaction was mined without reaching its aim.
ATTEMPTS_MAX: dict[Kind, int] = {"mirror": 4, "resolve": 6, "execute": 4, "expire": 3, "fill": 1}

Mark = tuple[int, str, int]  # number, hash, timestamp of a scanned block


@dataclass(frozen=True, slots=True)
class BlockId:
    """One block of one chain."""

    chain: str
    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Head:
    """The part of a block header that the relayer uses.

    `timestamp` in unix seconds, `base_fee` in wei, `gas_limit` 0 where the node does not say. `empty` where the node
    says that the block holds no transaction.
    """

    number: int
    hash: str
    parent: str
    timestamp: int
    base_fee: int
    gas_limit: int = 0
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction in one chain's contract, with the block that each step was seen in.

    `ended` is an upper bound where no event names the block (mark_executed emits nothing).
    """

    chain: str
    tx_id: str
    origin: str
    target: str
    dependency: str | None
    timestamp: int
    payload: str | None
    buffered: BlockId
    ready: BlockId | None = None
    ended: BlockId | None = None
    end_state: Literal["EXECUTED", "EXPIRED"] | None = None

    @property
    def key(self) -> Key:
        return self.chain, self.tx_id


@dataclass(frozen=True, slots=True)
class ChainView:
    """One chain at the moment of a decision. `next_timestamp` is the earliest that the next block can carry."""

    name: str
    order: int
    rollup: str
    block_time_ms: int
    mines_empty_blocks: bool
    head_timestamp: int
    next_timestamp: int
    window_s: int
    fresh: bool = True
    accepting: bool = True


@dataclass(frozen=True, slots=True)
class World:
    """All that a decision depends on.

    `active`: entries that may need a call, by (timestamp, chain order, tx_id). `children`: active entries by the key of
    what they depend on, on their own chain. `final`: blocks known as final. `spent`: mined attempts without success.
    `ahead`: an execution may be sent right behind the call that makes its transaction READY.
    """

    chains: Mapping[str, ChainView]
    entries: Mapping[Key, Entry]
    active: Sequence[Entry]
    children: Mapping[Key, Sequence[Entry]]
    now_unix_ms: int
    execution_order: Literal["ready", "executed"] = "ready"
    can_expire: bool = True
    final: AbstractSet[BlockId] = frozenset()
    spent: Mapping[Job, int] = field(default_factory=dict)
    deadline_passed: AbstractSet[Key] = frozenset()
    ahead: bool = False

    def exhausted(self, kind: Kind, key: Key) -> bool:
        return self.spent.get((kind, *key), 0) >= ATTEMPTS_MAX[kind]


@dataclass(frozen=True, slots=True)
class Action:
    """One wanted call. `needs`: blocks it rests on. `after`: a key that must be READY, or on its way there, first.

    Of an execution that is its own, not READY yet: no node can say what it would take, or that it would be taken.
    """

    kind: Kind
    chain: str
    tx_id: str
    function: str
    args: tuple[Any, ...]
    needs: tuple[BlockId, ...] = ()
    after: Key | None = None

    @property
    def job(self) -> Job:
        """Kind, chain and tx_id: what an intent is for."""
        return self.kind, self.chain, self.tx_id

    @property
    def ahead(self) -> bool:
        """Whether it is an execution of what is only on its way to READY."""
        return self.kind == "execute" and self.after is not None
