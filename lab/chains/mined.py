"""A block as the producer made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.networks.fees import FeeState


@dataclass(frozen=True, slots=True)
class Mined:
    """One block the producer made. `body` is the node's block object where it holds transactions, else None.

    `waiting` counts executable transactions that were left in the pool.
    """

    number: int
    t_ms: int
    timestamp: int
    base_fee: int
    gas_used: int
    gas_limit: int
    body: dict[str, Any] | None
    waiting: int
    fee_state: FeeState
