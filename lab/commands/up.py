"""`lab up`, `lab status`, `lab down`: networks for manual use."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.chains.processes.leftovers import find_leftovers, remove_leftovers, summary
from lab.errors import UsageError
from lab.model.session import Session
from lab.session.up.control import UpStatus, look, start_background, stop
from lab.session.up.files import KEYS, SESSION, UpFolder, UpOptions

DEFAULT = ("ethereum", "optimism")
EVERYTHING = ("ethereum", "polygon", "arbitrum", "optimism", "base")


def networks_of(names: Sequence[str], everything: bool) -> tuple[str, ...]:
    """The networks that the command line asks for."""
    networks = (*(EVERYTHING if everything else ()), *names) or DEFAULT
    return tuple(dict.fromkeys(networks))


def bring_up(options: UpOptions, *, foreground: bool) -> None:
    """Start and print what runs; in the foreground also stay until a signal comes."""
    if options.relayer_cmd and not options.relayer:
        raise UsageError("expected --relayer-cmd or --no-relayer, got both")
    folder = UpFolder(Path(options.results))
    if foreground:
        # It brings compiler and signing along, which the other commands here do without.
        from lab.session.up.supervisor import supervise

        supervise(options, lambda session, reason: _ready(session, reason, folder, "Ctrl-C"), _progress)
    else:
        session, reason = start_background(options, _progress)
        _ready(session, reason, folder, "`lab down`")


def show_status(results: Path) -> int:
    """Print a row for each node; 3 unless all is well."""
    folder = UpFolder(results)
    status = look(folder)
    if status is None:
        print(f"nothing is running in {folder.path}; start networks with `lab up`")
        _print_leftovers()
        return 3
    print(status.state)
    if status.state.supervisor.state == "elsewhere":
        print(
            "its supervisor belongs to another machine, container or boot: check there, or run `lab down` if it is gone"
        )
    elif not status.state.alive:
        print("its supervisor is dead; `lab down` removes what it left behind")
        _print_leftovers()
    elif status.session is None:
        print("the networks are starting")
    if status.session is not None:
        Console().print(_nodes(status))
        print(f"relayer  {status.relayer}")
    for node in status.nodes:
        if node.problem:
            print(f"{node.chain.name}: {node.problem}")
    return 0 if status.healthy else 3


def take_down(everything: bool, results: Path) -> None:
    """Stop, and say what was stopped or removed."""
    folder = UpFolder(results)
    done = stop(folder) or [f"nothing is running in {folder.path}"]
    if everything:
        done += remove_leftovers() or ["no run has left anything behind"]
    print("\n".join(done))
    if not everything:
        _print_leftovers()


def _print_leftovers() -> None:
    if left := find_leftovers():
        print(f"runs that were killed have left {summary(left)}; `lab down --all` removes it")


def _progress(text: str) -> None:
    print(text, file=sys.stderr)


def _ready(session: Session, reason: str, folder: UpFolder, ends_with: str) -> None:
    console = Console()
    chains = _table("network", "chain id", "RPC", "block time", "finality")
    for chain in session.chains.values():
        cells = (str(chain.chain_id), chain.rpc_url, f"{chain.block_time_ms / 1000:g} s", str(chain.finality))
        chains.add_row(escape(chain.name), *cells)
    accounts = _table("account", "address")
    for role, address in session.accounts.items():
        accounts.add_row(role, address)
    # One address on every chain, by construction of the deployment.
    accounts.add_row("contract", ", ".join(sorted({chain.contract for chain in session.chains.values()})))
    if session.under_test is not None:
        print(session.under_test.line)
    console.print(chains, "", accounts, "")
    if session.speed != 1:
        print(f"speed    {session.speed:g} seconds of chain time in one of the wall's, which `lab load` does not take")
    files = f"session  {folder.path / SESSION}\nkeys     {folder.path / KEYS}"
    # In the foreground the next line may be hours away.
    print(f"backend  {reason}\n{files}\nstop     {ends_with}", flush=True)


def _nodes(status: UpStatus) -> Table:
    table = _table("network", "RPC", "head", "alive", "memory")
    for node in status.nodes:
        memory = "-" if node.memory_bytes is None else f"{node.memory_bytes / (1 << 20):.0f} MiB"
        alive = "[green]yes[/]" if node.head is not None else "[red]no[/]"
        head = "-" if node.head is None else str(node.head)
        table.add_row(escape(node.chain.name), node.chain.rpc_url, head, alive, memory)
    return table


def _table(*headings: str) -> Table:
    """Addresses and URLs are there to be copied: they are folded, never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
