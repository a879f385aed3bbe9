"""What a call costs in dollars on each main network by dated scenarios, and the gas price at which it costs a limit."""

from __future__ import annotations

from lab.load.record.frozen import Frozen
from lab.model.chain.prices import GWEI_IN_A_TOKEN, LEVELS, prices
from lab.networks import load_network
from lab.networks.l1_fee import l1_fee

WEI_PER_GWEI = 10**9


class Cost(Frozen):
    """Of one call on one network. `usd` and `gas_price_gwei` by scenario, as far as prices are known."""

    usd: dict[str, float]
    break_even_gas_price_gwei: float
    gas_price_gwei: dict[str, float]
    token: str
    token_usd: float
    l1_data_fee_wei: int
    sources: tuple[str, ...]


def costs(gas_per_call: float, raw_transaction: bytes, limit_usd: float) -> dict[str, Cost]:
    """By main network: dollars a call in each scenario, and the gas price at which a call costs `limit_usd`.

    On OP Stack networks the L1 data fee of `raw_transaction`, at the profile's assumed L1 prices, is added where the
    price of gas does not hold it already.
    """
    by_network = {}
    for name, network in prices().networks.items():
        token = prices().tokens[network.token]
        data_fee = l1_fee(load_network(name), raw_transaction)
        known = {level: price for level in LEVELS if (price := network.at(level)) is not None}
        gwei = {
            level: gas_per_call * price.gwei + (0 if price.effective else data_fee / WEI_PER_GWEI)
            for level, price in known.items()
        }
        room_gwei = limit_usd / token.usd * GWEI_IN_A_TOKEN - data_fee / WEI_PER_GWEI
        by_network[name] = Cost(
            usd={level: spent / GWEI_IN_A_TOKEN * token.usd for level, spent in gwei.items()},
            break_even_gas_price_gwei=max(0.0, room_gwei / gas_per_call),
            gas_price_gwei={level: price.gwei for level, price in known.items()},
            token=network.token,
            token_usd=token.usd,
            l1_data_fee_wei=data_fee,
            sources=(
                *(f"{level} gas price: {price.source} ({price.date})" for level, price in known.items()),
                f"{network.token}: {token.source} ({token.date})",
            ),
        )
    return by_network
