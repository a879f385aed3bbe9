"""What a history says of a chain besides its blocks: its settings at the start, the stored transactions at the end."""

from __future__ import annotations

from typing import Literal

from lab.model.chain.finality import Finality
from lab.model.frozen import Frozen

CoreState = Literal["EMPTY", "BUFFERED", "READY", "EXECUTED", "EXPIRED"]


class ChainFacts(Frozen):
    """What a reader must know of one chain. `network` is its profile; the key in `Header.chains` is its name."""

    network: str
    chain_id: int
    contract: str
    rollup: str
    finality: Finality
    tag_depth_blocks: int | None = None
    block_time_ms: int
    mines_empty_blocks: bool
    deploy_block: int


class StoredTransaction(Frozen):
    """One transaction as the contract's getters return it. `payload` is None where it has no getter for it."""

    tx_id: str
    state: CoreState
    raw_state: int
    origin: str
    target: str
    payload: str | None
    dependency: str
    timestamp: int
