"""What a transaction offers, and when and how the offer is raised. Pure."""

from __future__ import annotations

from lab.coordinator import Fees

TIP_FLOOR_WEI = 1_000_000  # not zero: nodes raise both fees of a replacement, and a raised zero is still zero
ESCALATIONS_MAX = 10
PATIENCE_MS = 6_000


def first_offer(base_fee: int, min_tip: int) -> Fees:
    """Twice the base fee, so that six full blocks in a row cannot outrun it, plus the chain's least tip."""
    tip = max(min_tip, TIP_FLOOR_WEI)
    return Fees(2 * base_fee + tip, tip)


def raised_offer(last: Fees, base_fee: int, min_tip: int, bump_percent: int) -> Fees:
    """An offer that replaces `last` on every node: both fees raised by the bump at least, or more for the base fee."""
    bumped, fresh = last.bumped(max(10, bump_percent)), first_offer(base_fee, min_tip)
    return Fees(
        max(bumped.max_fee_per_gas, fresh.max_fee_per_gas),
        max(bumped.max_priority_fee_per_gas, fresh.max_priority_fee_per_gas),
    )


def patience_blocks(block_time_ms: int, escalations: int) -> int:
    """Blocks to wait before the next raise: two or six seconds' worth, doubled with every raise."""
    return int(max(2, -(-PATIENCE_MS // block_time_ms)) * 2**escalations)
