"""An intent is one job bound to one nonce; its versions are the signed transactions that may fill this nonce.

Several versions can exist (a raised fee, a cancellation), but they share the nonce: at most one is ever mined.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Literal

from lab.coordinator import Fees
from lab.relayer.memory.records import BlockId, Job, Kind

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
        return self.kind, self.chain, self.tx_id

    @property
    def last(self) -> Version:
        return self.versions[-1]


class OpenIntents(dict[int, Intent]):
    """Intents under way, by id. Thousands may be: what is asked for each of them must not look at all the others."""

    def __init__(self) -> None:
        super().__init__()
        self._jobs: Counter[Job] = Counter()

    def __setitem__(self, number: int, intent: Intent) -> None:
        if number not in self:
            self._jobs[intent.job] += 1
        super().__setitem__(number, intent)

    def __delitem__(self, number: int) -> None:
        self._jobs[self[number].job] -= 1
        super().__delitem__(number)

    def has(self, job: Job) -> bool:
        """True while something for this job may still be mined."""
        return self._jobs[job] > 0

    def doubled(self, intent: Intent) -> bool:
        """After a reorg two attempts at one job can be open at once: the one with the lower nonce keeps it."""
        several = self._jobs[intent.job] > 1
        return several and any(other.job == intent.job and other.nonce < intent.nonce for other in self.values())

    def newest(self, intent: Intent) -> bool:
        """Whether no other intent waits behind its nonce."""
        return all(other.nonce <= intent.nonce for other in self.values())
