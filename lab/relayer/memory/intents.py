"""An intent is one job, or several of a kind in a batch call, bound to one nonce.

Its versions are the signed transactions that may fill this nonce.

Several versions can exist (a raised fee, a cancellation), but they share the nonce: at most one is ever mined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    """One call on one chain with its nonce, oldest version first. A batch is for `tx_id` and then for `others`."""

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
    others: tuple[str, ...] = ()

    @property
    def job(self) -> Job:
        """The one job of a single call; of a batch the first."""
        return self.kind, self.chain, self.tx_id

    @property
    def tx_ids(self) -> tuple[str, ...]:
        return (self.tx_id, *self.others)

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple((self.kind, self.chain, tx_id) for tx_id in self.tx_ids)

    def singles(self) -> Iterator[Intent]:
        """A batch as its single calls, for who judges each by itself."""
        if not self.others:
            yield self
            return
        for tx_id in self.tx_ids:
            yield replace(self, tx_id=tx_id, others=())

    @property
    def last(self) -> Version:
        return self.versions[-1]


class OpenIntents(dict[int, Intent]):
    """Intents under way, by id. Thousands may be: what is asked for each of them must not look at all the others."""

    def __init__(self) -> None:
        super().__init__()
        self._jobs: Counter[Job] = Counter()
        self._highest: int | None = None

    def __setitem__(self, number: int, intent: Intent) -> None:
        if number not in self:
            self._jobs.update(intent.jobs)
            if self._highest is not None:
                self._highest = max(self._highest, intent.nonce)
        super().__setitem__(number, intent)

    def __delitem__(self, number: int) -> None:
        intent = self[number]
        super().__delitem__(number)
        for job in intent.jobs:
            self._jobs[job] -= 1
            if not self._jobs[job]:
                del self._jobs[job]
        if intent.nonce == self._highest:
            self._highest = None

    @property
    def highest(self) -> int | None:
        """The highest nonce under way."""
        if self._highest is None:
            self._highest = max((intent.nonce for intent in self.values()), default=None)
        return self._highest

    def has(self, job: Job) -> bool:
        """True while something for this job may still be mined."""
        return self._jobs[job] > 0

    def doubled(self, intent: Intent) -> bool:
        """After a reorg two attempts at one job can be open at once: the one with the lower nonce keeps it."""
        several = {job for job in intent.jobs if self._jobs[job] > 1}
        lower = (other for other in self.values() if other.nonce < intent.nonce) if several else ()
        return any(not several.isdisjoint(other.jobs) for other in lower)

    def newest(self, intent: Intent) -> bool:
        """Whether no other intent waits behind its nonce."""
        return self.highest is None or self.highest <= intent.nonce
