"""What a call costs in dollars on each main network by dated scenarios, and the gas price at which it costs a limit."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lab.networks import load_network
from lab.networks.l1_fee import l1_fee
from lab.yamlsource import load_yaml, validate

SCENARIOS = ("low", "typical", "high")
WEI_PER_TOKEN = 10**18


class Three(BaseModel):
    """A figure in three scenarios, with where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(gt=0)
    typical: float = Field(gt=0)
    high: float = Field(gt=0)
    source: str = Field(min_length=3)
    date: str = Field(min_length=4)


class Prices(BaseModel):
    """The file of prices."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_usd: dict[str, Three]
    gas_price_wei: dict[str, Three]


@cache
def prices() -> Prices:
    """The lab's own price file."""
    return validate(load_yaml(Path(__file__).with_name("prices.yaml")), Prices)


def costs(gas_per_call: float, raw_transaction: bytes, limit_usd: float) -> dict[str, dict[str, Any]]:
    """Per main network: dollars a call in each scenario, and the gas price at which a call costs `limit_usd`.

    On OP Stack networks the L1 data fee of `raw_transaction` is part of it, at the profile's assumed L1 prices.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, gas_price in prices().gas_price_wei.items():
        profile = load_network(name)
        token = prices().token_usd[profile.native_token]
        data_fee = l1_fee(profile, raw_transaction)
        usd = {
            scenario: (gas_per_call * getattr(gas_price, scenario) + data_fee)
            / WEI_PER_TOKEN
            * getattr(token, scenario)
            for scenario in SCENARIOS
        }
        room = limit_usd / token.typical * WEI_PER_TOKEN - data_fee
        found[name] = {
            "usd": usd,
            "break_even_gas_price_gwei": max(0.0, room / gas_per_call / 1e9),
            "gas_price_gwei": {scenario: getattr(gas_price, scenario) / 1e9 for scenario in SCENARIOS},
            "token": profile.native_token,
            "token_usd": {scenario: getattr(token, scenario) for scenario in SCENARIOS},
            "l1_data_fee_wei": data_fee,
            "sources": [f"{gas_price.source} ({gas_price.date})", f"{token.source} ({token.date})"],
        }
    return found
