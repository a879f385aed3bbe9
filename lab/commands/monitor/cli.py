"""Names, options and help of `lab monitor`; what its commands do is in the modules beside, loaded when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.parameters import to_file, to_folder

monitor = typer.Typer(no_args_is_help=True, help="Watch running networks or a deployment: metrics, alerts, dashboards.")
Session = Annotated[Path, typer.Option("--session", help="The session.json of a running lab or deployment.")]
SESSION = Path("results/up/session.json")
DeploymentFile = Annotated[
    Path | None,
    typer.Option("--deployment", help="A deployment file, deployed: instead of --session."),
]
RelayerUrl = Annotated[str | None, typer.Option(help="URL that answers 200 while your relayer runs.")]


def _session_file(session: Path, deployment: Path | None) -> Path:
    """The session to watch; that of a deployment is written first. Raises UsageError where both are named."""
    if deployment is None:
        return session
    from lab.commands.live.actions import write_session_of
    from lab.errors import UsageError

    if session != SESSION:
        raise UsageError("expected either --session or --deployment, got both: leave one out")
    return write_session_of(deployment)


@monitor.command()
def exporter(
    session: Session = SESSION,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any.")] = 9464,
    interval: Annotated[float, typer.Option(min=0.5, max=300, help="Seconds between two reads of a chain.")] = 5,
    requests_per_minute: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Maximum number of requests per minute to each chain.")
    ] = 600,
    relayer_url: RelayerUrl = None,
    deployment: DeploymentFile = None,
) -> None:
    """Export Prometheus metrics of chains, contract and relayer. Read-only; needs no key."""
    from lab.commands.monitor.exporting import ExporterOptions, run_exporter

    run_exporter(
        _session_file(session, deployment), ExporterOptions(host, port, interval, requests_per_minute, relayer_url)
    )


BaseFeeFactor = Annotated[
    float, typer.Option(min=1, max=1_000_000, help="Alert when the base fee exceeds the typical one this many times.")
]
Criteria = Annotated[Path | None, typer.Option(help="File of success criteria; their targets are the limits.")]
Speed = Annotated[float, typer.Option(min=0.001, max=1000, help="Divide every duration by this, to try out alerts.")]


@monitor.command()
def config(
    session: Session = SESSION,
    out: Annotated[Path, typer.Option(callback=to_folder, help="Folder to write to.")] = Path("results/monitor"),
    exporter: Annotated[str, typer.Option(help="HOST:PORT of the exporter.")] = "127.0.0.1:9464",
    alertmanager: Annotated[str, typer.Option(help="HOST:PORT of Alertmanager.")] = "127.0.0.1:9093",
    base_fee_factor: BaseFeeFactor = 5,
    criteria: Criteria = None,
    speed: Speed = 1,
    deployment: DeploymentFile = None,
) -> None:
    """Write and check scrape configuration, alert rules, routes and dashboards for a deployment."""
    from lab.commands.monitor.actions import configure, limits_of
    from lab.monitor.configuration import Addresses

    limits = limits_of(criteria, speed, base_fee_factor)
    print("\n".join(configure(_session_file(session, deployment), out, limits, Addresses(exporter, alertmanager))))


@monitor.command()
def up(
    session: Session = SESSION,
    out: Annotated[Path, typer.Option(callback=to_folder, help="Folder of configuration, data and logs.")] = Path(
        "results/monitor"
    ),
    exporter_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of the exporter.")] = 9464,
    prometheus_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of Prometheus.")] = 9090,
    alertmanager_port: Annotated[int, typer.Option(min=1, max=65_535, help="Port of Alertmanager.")] = 9093,
    relayer_url: RelayerUrl = None,
    criteria: Criteria = None,
    speed: Speed = 1,
) -> None:
    """Run exporter, Prometheus and Alertmanager on 127.0.0.1 until Ctrl-C, from the binaries on PATH."""
    from lab.commands.monitor.actions import limits_of
    from lab.commands.monitor.up import Ports, run_all

    limits = limits_of(criteria, speed)
    run_all(session, out, Ports(exporter_port, prometheus_port, alertmanager_port), limits, relayer_url)


@monitor.command()
def maintenance(
    session: Session = SESSION,
    minutes: Annotated[
        float, typer.Option("--for", min=0, max=1440, help="Minutes until maintenance ends by itself.")
    ] = 30,
    reason: Annotated[str, typer.Option(help="Reason, shown to the people on call.")] = "planned maintenance",
    over: Annotated[bool, typer.Option("--end", help="End maintenance now.")] = False,
) -> None:
    """Announce maintenance: alerts are inhibited until it ends."""
    from lab.commands.monitor.actions import maintain

    print(maintain(session, None if over else minutes, reason))


@monitor.command()
def page(
    run: Annotated[Path, typer.Argument(help="Folder of a run with `monitor: true`.")],
    out: Annotated[
        Path | None, typer.Option(callback=to_file, help="File to write. Default: monitor.html in that folder.")
    ] = None,
) -> None:
    """Draw the dashboards of a recorded run as one offline page, without Grafana."""
    from lab.commands.monitor.page import write_page

    print(write_page(run, out))
