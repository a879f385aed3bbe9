"""The one table of dated prices, read from `prices.yaml`: what gas and tokens cost where and when somebody looked."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from lab.model.frozen import Frozen
from lab.yamlsource import load_yaml, validate

PRICES = Path(__file__).with_name("prices.yaml")
Level = Literal["low", "typical", "high"]
LEVELS: tuple[Level, ...] = ("low", "typical", "high")
GWEI_IN_A_TOKEN = 10**9


class GasPrice(Frozen):
    """A price of gas on a day."""

    gwei: float = Field(gt=0)
    date: str
    source: str
    effective: bool = Field(default=False, description="the network's L1 data fee is inside")
    note: str = ""


class TokenPrice(Frozen):
    """A token's price on a day."""

    usd: float = Field(gt=0)
    date: str
    source: str


class NetworkPrices(Frozen):
    """The price scenarios of one network."""

    token: str
    low: GasPrice | None = None
    typical: GasPrice
    high: GasPrice | None = None

    def at(self, level: Level) -> GasPrice | None:
        """The scenario of that name, if somebody published one."""
        price: GasPrice | None = getattr(self, level)
        return price


class Prices(Frozen):
    """The whole file."""

    schema_version: Literal[1]
    decides: Level
    tokens: dict[str, TokenPrice]
    networks: dict[str, NetworkPrices]

    @model_validator(mode="after")
    def _known_tokens(self) -> Self:
        for name, network in self.networks.items():
            if network.token not in self.tokens:
                raise ValueError(f"expected a price of {network.token}, the token of {name}, under tokens")
        return self

    def usd(self, network: str, gas: float, level: Level) -> float | None:
        """What so much gas costs, or None where no price is known."""
        known = self.networks.get(network)
        price = known.at(level) if known else None
        if known is None or price is None:
            return None
        return gas * price.gwei / GWEI_IN_A_TOKEN * self.tokens[known.token].usd

    def break_even_gwei(self, network: str, gas: float, usd: float) -> float | None:
        """The price of gas at which so much gas costs `usd`."""
        known = self.networks.get(network)
        if known is None or gas <= 0:
            return None
        return usd / (gas * self.tokens[known.token].usd) * GWEI_IN_A_TOKEN


@cache
def prices() -> Prices:
    """As committed beside this module."""
    return validate(load_yaml(PRICES), Prices)
