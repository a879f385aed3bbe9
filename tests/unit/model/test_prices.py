"""The one table of prices: complete, sourced, and no figure where nobody published one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

import lab
from lab.model.chain.prices import LEVELS, Prices, prices
from lab.networks import load_network


def test_every_price_has_a_date_and_a_source() -> None:
    """A figure without them is not one."""
    table = prices()
    for token in table.tokens.values():
        assert token.date.startswith("20")
        assert token.source
    for network in table.networks.values():
        for price in (network.at(level) for level in LEVELS):
            assert price is None or (price.date.startswith("20") and price.source)


def test_networks_pay_with_their_own_token() -> None:
    """As their profiles have it."""
    assert {name: load_network(name).native_token for name in prices().networks} == {
        name: network.token for name, network in prices().networks.items()
    }


def test_a_price_that_nobody_published_is_none() -> None:
    """Neither is one of a network that is not in the table."""
    assert prices().usd("optimism", 100_000, "high") is None
    assert prices().usd("nowhere", 100_000, "typical") is None
    assert prices().usd("polygon", 100_000, "typical") == pytest.approx(100_000 * 280e-9 * 0.0699)


def test_a_token_without_a_price_is_refused() -> None:
    """With the network that needs it."""
    wrong = prices().model_dump()
    wrong["networks"]["base"]["token"] = "WEI"
    with pytest.raises(ValidationError, match="a price of WEI, the token of base"):
        Prices.model_validate(wrong)


def test_prices_stand_in_one_file() -> None:
    """Reports of scenarios and of load read the same."""
    assert [path.parent.name for path in Path(lab.__file__).parent.rglob("prices.yaml")] == ["chain"]
