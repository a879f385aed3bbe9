"""Names, options and help of `lab monitor`; what its commands do is in `lab.commands.monitor`, loaded when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

monitor = typer.Typer(no_args_is_help=True, help="Watch running networks or a deployment: metrics, alerts, dashboards.")
Session = Annotated[Path, typer.Option("--session", help="The session.json of a running lab or deployment.")]
SESSION = Path("results/up/session.json")


@monitor.command()
def exporter(
    session: Session = SESSION,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any.")] = 9464,
    interval: Annotated[float, typer.Option(min=1, max=300, help="Seconds between two looks at a chain.")] = 5,
    requests_per_minute: Annotated[int, typer.Option(help="Upper bound of requests to each chain.")] = 600,
    relayer_url: Annotated[
        str | None, typer.Option(help="An address that answers 200 while your relayer runs.")
    ] = None,
) -> None:
    """Export Prometheus metrics of chains, contract and relayer. Reads only, and needs no key."""
    from lab.commands.monitor import ExporterOptions, run_exporter

    run_exporter(session, ExporterOptions(host, port, interval, requests_per_minute, relayer_url))


@monitor.command()
def maintenance(
    session: Session = SESSION,
    minutes: Annotated[float, typer.Option("--for", help="Minutes until it ends by itself.")] = 30,
    reason: Annotated[str, typer.Option(help="Why, for those who are on call.")] = "planned maintenance",
    over: Annotated[bool, typer.Option("--end", help="End it now.")] = False,
) -> None:
    """Announce maintenance: alerts are inhibited, and told so, until it ends."""
    from lab.commands.monitor import maintain

    print(maintain(session, None if over else minutes, reason))
