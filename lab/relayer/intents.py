"""An intent is one job bound to one nonce; its versions are the signed transactions that may fill this nonce.

Several versions can exist (a raised fee, a cancellation), but they share the nonce: at most one is ever mined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lab.coordinator import Fees
from lab.relayer.records import BlockId, Job, Kind

# open: may still be mined. done: mined, aim reached. failed: mined, aim missed. cancelled: its place was taken by our
# own empty transaction. lost: the nonce was used by a transaction that is none of ours. withdrawn: no node
# ever took it.
Status = Literal["open", "done", "failed", "cancelled", "lost", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Version:
    """One signed transaction. `confirmed`: a node has said that it has it. `sent_block` is the head at signing."""

    hash: str
    raw: str
    fees: Fees
    cancel: bool
    confirmed: bool
    sent_block: int
    sent_ms: int


@dataclass(frozen=True, slots=True)
class Intent:
    """One job on one chain with its nonce, oldest version first."""

    id: int
    chain: str
    kind: Kind
    tx_id: str
    nonce: int
    data: str
    gas: int
    status: Status
    mined: BlockId | None
    versions: tuple[Version, ...]

    @property
    def job(self) -> Job:
        """What it is for."""
        return self.kind, self.chain, self.tx_id

    @property
    def last(self) -> Version:
        """The version sent last."""
        return self.versions[-1]


def doubled(intent: Intent, others: Iterable[Intent]) -> bool:
    """After a reorg two attempts at one job can be open at once: the one with the lower nonce keeps it."""
    return any(other.job == intent.job and other.nonce < intent.nonce for other in others)


def newest(intent: Intent, others: Iterable[Intent]) -> bool:
    """Whether no other intent waits behind its nonce."""
    return all(other.nonce <= intent.nonce for other in others)
