"""What goes into the client and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.coordinator import DecodedLog
from lab.errors import LabError
from lab.model.chain.finality import Finality

ZERO_ID = "0x" + "00" * 32
FINALIZED = Finality(tag="finalized")


@dataclass(frozen=True, slots=True)
class Request:
    """A transaction to buffer. Ids are 32 bytes as 0x hex, rollups addresses, `timestamp` Unix seconds.

    `origin` and `target` are the addresses that stand for the two rollups inside the contracts. `parent` is the id of
    the transaction that must be READY first, if there is one. `payload` is at most 512 bytes.
    """

    tx_id: str
    origin: str
    target: str
    timestamp: int
    payload: bytes = b""
    parent: str | None = None

    @property
    def arguments(self) -> list[Any]:
        """The arguments of `buffer_transaction`, in order."""
        payload = "0x" + self.payload.hex()
        return [self.tx_id, self.origin, self.target, payload, self.parent or ZERO_ID, self.timestamp]


@dataclass(frozen=True, slots=True)
class Network:
    """What a client must know of its network; `rollup` is the address that stands for it inside the contracts."""

    finality: Finality = FINALIZED
    block_time_s: float = 12
    start_block: int = 0
    min_tip_wei: int = 0
    rollup: str = ""


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block: 0x hashes, the block's number, gas units, and the coordinator's events in order."""

    hash: str
    block: int
    block_hash: str
    gas_used: int
    events: tuple[DecodedLog, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a resolve came to. It has status 1 even where `ready` is false: then `reason` says why."""

    tx_id: str
    ready: bool
    reason: str | None
    mined: Mined


class Reverted(LabError):
    """The contract refused a call. `reason` is its text, None where it gave none."""

    exit_code = 1

    def __init__(self, what: str, reason: str | None) -> None:
        """`what` names the function, and the transaction where there is one."""
        self.reason = reason
        super().__init__(f"{what} reverts: {reason or 'the contract gives no reason'}")


class NeverReady(LabError):
    """A transaction ended, or its window closed, too early. `reason` is that of its last TransactionFailed."""

    exit_code = 1

    def __init__(self, tx_id: str, reason: str | None) -> None:
        """`tx_id` as 0x hex."""
        self.tx_id, self.reason = tx_id, reason
        super().__init__(f"expected {tx_id} to become READY, but it never will: {reason or 'its window is over'}")
