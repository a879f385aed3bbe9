"""Base fees: vectors of go-ethereum, bounds, floors, and that a reorg can go back."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.networks import BUILT_IN, load_network
from lab.networks.fees import FeeCurve, exponential_bips
from lab.networks.profile import ArbitrumFee, Eip1559Fee

GWEI = 10**9
FEES = st.integers(0, 10**15)
LIMITS = st.integers(21_000, 10**9)


def curve(name: str) -> FeeCurve:
    return FeeCurve(load_network(name))


@pytest.mark.parametrize(
    ("base_fee", "gas_limit", "gas_used", "expected"),
    [
        (GWEI, 20_000_000, 10_000_000, GWEI),
        (GWEI, 20_000_000, 9_000_000, 987_500_000),
        (GWEI, 20_000_000, 11_000_000, 1_012_500_000),
        (GWEI, 30_000_000, 30_000_000, 1_125_000_000),
        (GWEI, 30_000_000, 0, 875_000_000),
        (7, 30_000_000, 0, 7),
        (8, 30_000_000, 0, 7),
        (1, 30_000_000, 15_000_001, 2),
    ],
)
def test_ethereum_steps_as_go_ethereum_does(base_fee: int, gas_limit: int, gas_used: int, expected: int) -> None:
    """The first three are the vectors of go-ethereum's TestCalcBaseFee, the rest its rounding rules."""
    assert curve("ethereum").next(base_fee, gas_used, gas_limit, 12_000) == expected


@pytest.mark.parametrize(
    ("name", "full", "empty"),
    [("optimism", 1.004, 0.996), ("optimism-sepolia", 1.02, 0.996), ("base", 1.04, 0.99), ("base-sepolia", 1.14, 0.99)],
)
def test_op_stack_chains_step_by_their_own_parameters(name: str, full: float, empty: float) -> None:
    """A full and an empty block move the base fee by the published shares."""
    assert curve(name).next(GWEI, 30_000_000, 30_000_000, 2000) == round(GWEI * full)
    assert curve(name).next(GWEI, 0, 30_000_000, 2000) == round(GWEI * empty)


def test_base_stops_falling_at_its_floor_and_polygon_has_none() -> None:
    """Empty blocks bring Base to 0.005 gwei exactly and no lower."""
    fees, base_fee = curve("base"), 6_000_000
    for _ in range(100):
        base_fee = fees.next(base_fee, 0, 40_000_000, 200)
    assert base_fee == 5_000_000
    assert curve("polygon").next(5_000_000, 0, 140_000_000, 1750) < 5_000_000


def test_polygon_aims_at_65_percent() -> None:
    """At the target nothing moves; a full block adds 35/65 of 1/64, an empty one takes 1/64."""
    fees, limit = curve("polygon"), 140_000_000
    assert fees.next(250 * GWEI, limit * 65 // 100, limit, 1750) == 250 * GWEI
    assert fees.next(64 * 65 * GWEI, limit, limit, 1750) == 64 * 65 * GWEI + 35 * GWEI
    assert fees.next(64 * GWEI, 0, limit, 1750) == 63 * GWEI


@given(base_fee=FEES, limit=LIMITS, share=st.integers(0, 100))
@pytest.mark.parametrize("name", [name for name in BUILT_IN if not name.startswith("arbitrum")])
def test_a_step_is_bounded_and_goes_towards_demand(name: str, base_fee: int, limit: int, share: int) -> None:
    """Never below the floor, never beyond the rule's own bound, and up only above the target."""
    fee = load_network(name).fee
    base_fee = max(base_fee, fee.floor_wei)
    used = limit * share // 100
    after = curve(name).next(base_fee, used, limit, 1)
    assert after >= fee.floor_wei
    if isinstance(fee, Eip1559Fee):
        target = limit // fee.elasticity
        # A limit that the elasticity does not divide leaves up to elasticity - 1 units of gas above the multiple.
        rise = base_fee * (limit - target) // target // fee.denominator
        assert base_fee - base_fee // fee.denominator <= max(after, fee.floor_wei)
        assert after <= base_fee + max(1, rise)
    else:
        assert not isinstance(fee, ArbitrumFee)
        target = limit * fee.target_percent // 100
        assert abs(after - base_fee) <= base_fee * fee.step_bound_percent // 100
    if used > target:
        assert after >= base_fee
    elif used < target:
        assert after <= base_fee
    else:
        assert after == base_fee


def test_arbitrum_stays_at_its_floor_below_every_target() -> None:
    """Nine million gas a second, below the lowest target, never costs more than the floor."""
    fees = curve("arbitrum")
    assert {fees.next(0, 2_250_000, 32_000_000, 250) for _ in range(4000)} == {20_000_000}


def test_arbitrum_prices_the_sum_of_its_backlogs() -> None:
    """One burst of 600 Mgas, worked out by hand with Nitro's rounding, and gone after an idle minute."""
    fees = curve("arbitrum")
    # After a second: backlog 540M, 559M, 571M, 580M, 586M, 590M over 540M, 2132M, 9541M, 42100M, 188790M, 864000M
    # is 10,000 + 2,621 + 598 + 137 + 31 + 6 basis points.
    x = 10_000 + 2_621 + 598 + 137 + 31 + 6
    assert fees.next(0, 600_000_000, 32_000_000, 1000) == 20_000_000 * exponential_bips(x) // 10_000
    assert fees.next(0, 0, 32_000_000, 60_000) == 20_000_000


def test_arbitrum_ignores_the_parents_fee() -> None:
    """The price follows demand alone: a spike forced on a block is gone in the next one."""
    assert curve("arbitrum").next(10**15, 0, 32_000_000, 250) == 20_000_000


def test_the_series_is_rounded_down_term_by_term() -> None:
    """Worked out by hand: 12,500, then 14,166, 17,083 and 27,083 for e; nothing to add for e^0."""
    assert exponential_bips(10_000) == 27_083
    assert exponential_bips(0) == 10_000


@given(st.integers(0, 20_000))
def test_the_series_is_close_to_the_exponential(bips: int) -> None:
    """Never above it, and at most 5.5 percent below up to x = 2."""
    exact = math.exp(bips / 10_000) * 10_000
    assert 0.945 * exact - 4 <= exponential_bips(bips) <= exact


@given(blocks=st.lists(st.tuples(st.integers(0, 32_000_000), st.integers(0, 2000)), max_size=30))
@pytest.mark.parametrize("name", ["ethereum", "polygon", "arbitrum", "base"])
def test_a_restored_curve_repeats_itself(name: str, blocks: list[tuple[int, int]]) -> None:
    """After a reorg the same blocks cost the same again, and a peek changes nothing."""
    profile = load_network(name)
    fees = FeeCurve(profile)
    fees.next(profile.initial_base_fee_wei, 31_000_000, 32_000_000, 100)
    saved = fees.snapshot()

    def run() -> list[int]:
        base_fee, seen = profile.initial_base_fee_wei, []
        for used, elapsed in blocks:
            expected = fees.peek(base_fee, used, 32_000_000, elapsed)
            base_fee = fees.next(base_fee, used, 32_000_000, elapsed)
            assert base_fee == expected
            assert base_fee >= profile.fee.floor_wei
            seen.append(base_fee)
        return seen

    first = run()
    fees.restore(saved)
    assert run() == first


def test_a_snapshot_of_another_network_is_refused() -> None:
    """Arbitrum's backlogs mean nothing to Ethereum."""
    with pytest.raises(ValueError, match="another network"):
        curve("ethereum").restore(curve("arbitrum").snapshot())
