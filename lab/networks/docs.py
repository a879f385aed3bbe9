"""Renders the reference of all built-in networks. `python -m lab.networks.docs > docs/networks.md` refreshes it."""

from __future__ import annotations

import sys
from collections.abc import Callable

from lab.networks import ALIASES, BUILT_IN, RETIRED, load_network
from lab.networks.anvil import enforces_tx_gas_cap
from lab.networks.profile import ArbitrumFee, BacklogTarget, NetworkProfile, PolygonFee, figures

HEAD = """\
# Networks

Generated from `lab/networks/profiles/` by `python -m lab.networks.docs > docs/networks.md`; do not edit.

A scenario names a profile, or gives the path of a YAML file of your own:

```yaml
extends: ethereum           # or state every figure
name: my-chain
block_time_ms: 3000
sources:                    # each figure that you set needs its source and date
  block_time_ms: {source: "our chain's genesis file", date: "2026-11-24"}
```

A source of `lab choice` needs a note that says why. `extends` also takes a path, relative to the file.
"""

NOTES = """\
Jitter is the longest delay of a block after its slot, drawn uniformly. A chain without empty blocks leaves a slot
unused when no transaction waits. The tag `finalized` is two epochs of the node behind the head, `safe` one. The cap of
a transaction's gas is marked with a star where the node itself enforces it.

Not modelled: the DA footprint in OP Stack base fees, Polygon producers that depart from the default fee parameters,
the L1 part of Arbitrum's gas, precompiles and predeploys, gas costs newer than the node's hard fork (last column).
Where blocks come faster than one a second, the block hashes of EIP-2935 are there only for a contract that names their
address.

Multicall3 stands on each at 0xcA11bde05977b3631167028862bE2a173976CA11, and the deployer of contracts at addresses that
depend on their code alone (CREATE2) at 0x4e59b44847b379578588920ca78fbf26c0b4956c.
"""


def gwei(wei: int | None) -> str:
    """`0.005 gwei`; exact."""
    if wei is None:
        return "-"
    whole, rest = divmod(wei, 10**9)
    return f"{whole:,}" + (f".{rest:09d}".rstrip("0") if rest else "") + " gwei"


def fee_rule(profile: NetworkProfile) -> str:
    """The base fee's rule in a few words."""
    fee = profile.fee
    floor = f", floor {gwei(fee.floor_wei)}" if fee.floor_wei else ""
    if isinstance(fee, ArbitrumFee):
        return f"exponential in the backlogs of {len(fee.targets)} gas targets{floor}"
    if isinstance(fee, PolygonFee):
        bound = f"steps within {fee.step_bound_percent}%"
        return f"denominator {fee.denominator}, target {fee.target_percent}%, {bound}{floor}"
    return f"EIP-1559 {fee.denominator}/{fee.elasticity}{floor}"


def rules(profile: NetworkProfile) -> str:
    """What the node runs for it."""
    return profile.anvil.network or profile.anvil.hardfork or "default"


def cap(profile: NetworkProfile) -> str:
    """The cap of a transaction's gas."""
    if profile.tx_gas_cap is None:
        return "-"
    return f"{profile.tx_gas_cap:,}" + (" \\*" if enforces_tx_gas_cap(profile) else "")


COLUMNS: dict[str, Callable[[NetworkProfile], str]] = {
    "network": lambda p: f"`{p.name}`",
    "chain id": lambda p: str(p.chain_id),
    "token": lambda p: p.native_token,
    "settles on": lambda p: p.parent or "-",
    "block time": lambda p: f"{p.block_time_ms / 1000:g} s",
    "jitter": lambda p: f"{p.jitter_ms} ms",
    "missed slots": lambda p: f"{p.missed_slot_share:.1%}" if p.missed_slot_share else "none",
    "empty blocks": lambda p: "yes" if p.mines_empty_blocks else "no",
}
LIMITS: dict[str, Callable[[NetworkProfile], str]] = {
    "network": lambda p: f"`{p.name}`",
    "block gas": lambda p: f"{p.gas_limit:,}",
    "gas of a transaction": cap,
    "code size": lambda p: f"{p.code_size_limit:,}",
    "default finality": lambda p: str(p.finality),
    "`finalized` behind": lambda p: f"{p.tag_depth_blocks:,} blocks",
    "rules of the node": rules,
}
FEES: dict[str, Callable[[NetworkProfile], str]] = {
    "network": lambda p: f"`{p.name}`",
    "base fee": fee_rule,
    "at start": lambda p: gwei(p.initial_base_fee_wei),
    "typical": lambda p: gwei(p.typical_base_fee_wei),
    "high": lambda p: gwei(p.high_base_fee_wei),
    "least tip": lambda p: gwei(p.min_tip_wei),
    "replacement": lambda p: f"+{p.replacement_bump_percent}%",
    "L1 data fee": lambda p: "Fjord" if p.l1_data_fee else "none",
}


def table(columns: dict[str, Callable[[NetworkProfile], str]], profiles: list[NetworkProfile]) -> str:
    """A Markdown table, one row a profile."""
    lines = [" | ".join(columns), " | ".join("---" for _ in columns)]
    lines += [" | ".join(cell(profile) for cell in columns.values()) for profile in profiles]
    return "".join(f"| {line} |\n" for line in lines)


def citations(profile: NetworkProfile) -> str:
    """Every figure of a profile with value, source and date."""
    lines = [f"### {profile.title}\n\n| figure | value | source | date | note |\n| --- | --- | --- | --- | --- |\n"]
    for path, value in figures(profile):
        entry = profile.sources[path]
        lines.append(f"| {path} | {shown(value)} | {entry.source} | {entry.date} | {entry.note} |\n")
    return "".join(lines)


def shown(value: object) -> str:
    """A figure's value for a table."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, BacklogTarget):
        return f"{value.gas_per_second // 10**6} Mgas/s over {value.window_s:,} s"
    if isinstance(value, tuple):
        return ("; " if isinstance(value[0], BacklogTarget) else ", ").join(map(shown, value))
    return str(value)


def render() -> str:
    """The whole page."""
    profiles = [load_network(name) for name in BUILT_IN]
    names = "".join(f"| `{other}` | `{name}` |\n" for other, name in ALIASES.items())
    gone = "".join(f"| `{other}` | `{name}` |\n" for other, name in RETIRED.items())
    parts = [
        HEAD,
        f"## Time\n\n{table(COLUMNS, profiles)}",
        f"## Limits and finality\n\n{table(LIMITS, profiles)}",
        f"## Fees\n\n{table(FEES, profiles)}",
        NOTES,
        f"## Other names\n\n| name | profile |\n| --- | --- |\n{names}",
        f"## Retired networks\n\nAsking for one is an error that names its successor.\n\n"
        f"| retired | use |\n| --- | --- |\n{gone}",
        "## Sources\n",
        *(citations(profile) for profile in profiles),
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(render())
