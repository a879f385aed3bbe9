"""Offers: enough for the base fee, at least the chain's tip, and raised by what nodes ask of a replacement."""

from __future__ import annotations

import pytest

from lab.coordinator import Fees
from lab.relayer.sending.fees import TIP_FLOOR_WEI, first_offer, patience_blocks, raised_offer


def test_the_first_offer_is_twice_the_base_fee_plus_the_tip() -> None:
    """The chain's least tip counts, and a tip is never zero."""
    assert first_offer(100, 25_000_000_000) == Fees(25_000_000_200, 25_000_000_000)
    assert first_offer(100, 0) == Fees(200 + TIP_FLOOR_WEI, TIP_FLOOR_WEI)


@pytest.mark.parametrize("bump", [5, 10, 25])
@pytest.mark.parametrize("base_fee", [1, 10**9, 10**12])
def test_a_raised_offer_satisfies_the_bump_and_the_base_fee(bump: int, base_fee: int) -> None:
    """Both fees rise by ten per cent at least, strictly, and the offer covers twice the base fee."""
    last = first_offer(10**9, 3)
    raised = raised_offer(last, base_fee, 3, bump)
    assert 100 * raised.max_fee_per_gas >= (100 + max(10, bump)) * last.max_fee_per_gas
    assert 100 * raised.max_priority_fee_per_gas >= (100 + max(10, bump)) * last.max_priority_fee_per_gas
    assert raised.max_fee_per_gas > 2 * base_fee


def test_patience_doubles_and_is_never_below_two_blocks() -> None:
    """Slow chains wait two blocks, fast chains six seconds, each raise twice as long."""
    assert [patience_blocks(12_000, n) for n in range(3)] == [2, 4, 8]
    assert [patience_blocks(200, n) for n in range(3)] == [30, 60, 120]
