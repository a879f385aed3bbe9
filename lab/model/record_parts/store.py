"""What a relayer wrote down, as the lab reads it from the relayer's store: the parts of the record `StoreRead`."""

from __future__ import annotations

from typing import Literal

from lab.model.frozen import Frozen

Place = tuple[int, str]  # number and hash of a block


class StoredBelief(Frozen):
    """What the relayer's store holds of one transaction on one chain, with the blocks that it saw the steps in."""

    tx_id: str
    state: Literal["BUFFERED", "READY", "EXECUTED", "EXPIRED"]
    origin: str
    timestamp: int
    buffered: Place
    ready: Place | None = None


class StoredIntent(Frozen):
    """A call that the relayer's store says it sent, or was about to send, and how that ended."""

    kind: str
    tx_id: str
    nonce: int
    status: str
