"""Dollars a call: gas at dated prices, and the L1 data fee only where the price does not hold it already."""

from __future__ import annotations

import pytest

from lab.load.analyse.cost import costs
from lab.networks import load_network
from lab.networks.l1_fee import l1_fee

RAW = bytes(range(1, 256)) * 3
GAS = 120_000


def test_a_price_that_holds_the_data_fee_is_not_charged_twice() -> None:
    """Base's typical price is effective, its peak is not."""
    base = costs(GAS, RAW, 1.0)["base"]
    fee = l1_fee(load_network("base"), RAW)
    assert base.l1_data_fee_wei == fee > 0
    assert base.usd["typical"] == pytest.approx(GAS * 0.0062e-9 * 1569.68)
    assert base.usd["high"] == pytest.approx((GAS * 2.49e-9 + fee / 1e18) * 1569.68)


def test_a_scenario_without_a_price_is_left_out() -> None:
    """Nobody published a peak of Optimism."""
    found = costs(GAS, RAW, 1.0)
    assert list(found["optimism"].usd) == ["typical"]
    assert list(found["ethereum"].usd) == ["low", "typical", "high"]
    assert any("peak analysis" in source and "2026-01-31" in source for source in found["ethereum"].sources)


def test_at_the_break_even_price_a_call_costs_the_limit() -> None:
    """The data fee included."""
    for found in costs(GAS, RAW, 0.25).values():
        wei = found.break_even_gas_price_gwei * 1e9 * GAS + found.l1_data_fee_wei
        assert wei / 1e18 * found.token_usd == pytest.approx(0.25)
