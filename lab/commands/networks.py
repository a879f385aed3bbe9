"""`lab networks`: the built-in profiles, and one profile's figures with their sources."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.networks import BUILT_IN, load_network
from lab.networks.docs import gwei, shown
from lab.networks.profile import figures

# As many as fit into 80 columns; the rest is in the view of one network.
COLUMNS = ("chain id", "token", "block", "empty", "gas", "base fee", "finality")


def show_all() -> None:
    """One row a network."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("network", no_wrap=True)
    for heading in COLUMNS:
        table.add_column(heading)
    for name in BUILT_IN:
        profile = load_network(name)
        table.add_row(
            profile.name,
            str(profile.chain_id),
            profile.native_token,
            f"{profile.block_time_ms / 1000:g} s",
            "yes" if profile.mines_empty_blocks else "no",
            f"{profile.gas_limit / 10**6:g}M" if profile.gas_limit < 10**9 else f"{profile.gas_limit / 10**9:g}G",
            gwei(profile.initial_base_fee_wei),
            str(profile.finality).removeprefix("tag "),
        )
    Console().print(table)
    print("\nempty: whether it mines empty blocks; `lab networks NAME` shows all figures with their sources")


def show_one(name: str) -> None:
    """One row a figure. Raises UsageError for an unknown or retired name, InvalidFile for a bad file."""
    profile = load_network(name)
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left", title=escape(profile.title))
    table.add_column("figure", no_wrap=True)
    for heading in ("value", "source", "date", "note"):
        table.add_column(heading, overflow="fold")
    for path, value in figures(profile):
        cited = profile.sources[path]
        table.add_row(path, *map(escape, (shown(value), cited.source, cited.date, cited.note)))
    Console().print(table)
