"""`lab monitor up`: exporter, Prometheus and Alertmanager as plain processes of this machine."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.chains.processes.child import Child, how_ended
from lab.chains.processes.reaper import Reaper
from lab.commands.monitor.actions import configure
from lab.commands.monitor.exporting import ExporterOptions, exporter_command, lean
from lab.errors import EnvironmentFailure, UsageError
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.collect.metering import POLL_S, REQUESTS_PER_MINUTE
from lab.monitor.configuration import Addresses
from lab.monitor.servers import STOP_S, alertmanager_command, prometheus_command
from lab.paths import real_path

# Of rules that are faster the exporter polls no more often than this, and asks for no more.
LOOK_S, POLL_S_MIN, SPEED_MAX = 0.5, 0.5, 10.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three listen, on 127.0.0.1."""

    exporter: int
    prometheus: int
    alertmanager: int


def run_all(session: Path, folder: Path, ports: Ports, limits: Thresholds, relayer_url: str | None = None) -> None:
    """Run until SIGTERM or Ctrl-C. Raises EnvironmentFailure where a binary lacks, or one of them ends."""
    _check_free(ports)
    addresses = Addresses(f"127.0.0.1:{ports.exporter}", f"127.0.0.1:{ports.alertmanager}")
    configure(session, folder, limits, addresses)
    options = ExporterOptions(
        "127.0.0.1",
        ports.exporter,
        # Slower rules are no reason to look less often.
        max(POLL_S_MIN, POLL_S / max(1.0, limits.speed)),
        round(REQUESTS_PER_MINUTE * min(max(1.0, limits.speed), SPEED_MAX)),
        relayer_url,
    )
    # Last, since its endpoints are asked first: the servers start meanwhile.
    commands: dict[str, Callable[[], list[str]]] = {
        "prometheus": lambda: prometheus_command(ports.prometheus, resend_s=max(1, round(60 / limits.speed))),
        "alertmanager": lambda: alertmanager_command(ports.alertmanager),
        "exporter": lambda: exporter_command(real_path(session), options),
    }
    environments = {"exporter": lean()}
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with Reaper.start() as reaper, ExitStack() as stack:
        children = {}
        for name, command in commands.items():
            log = folder / f"{name}.log"
            log.unlink(missing_ok=True)
            children[name] = Child.start(
                command(), run_id="monitor", log=log, reaper=reaper, folder=folder, environment=environments.get(name)
            )
            stack.callback(children[name].stop, STOP_S)
        print(f"metrics       http://{addresses.exporter}/metrics")
        print(f"prometheus    http://127.0.0.1:{ports.prometheus}")
        print(f"alertmanager  http://{addresses.alertmanager}")
        print(f"logs          {folder}\nstop          Ctrl-C", flush=True)
        while not stopping.wait(LOOK_S):
            for name, child in children.items():
                if not child.alive:
                    raise EnvironmentFailure(f"{name} ended with {how_ended(child.returncode)}:\n{child.log_tail()}")


def _check_free(ports: Ports) -> None:
    """Before anything is written or started. Raises UsageError for one port twice, EnvironmentFailure."""
    numbers = asdict(ports)
    for name, port in numbers.items():
        same = [other for other, number in numbers.items() if number == port and other != name]
        if same:
            raise UsageError(f"expected three different ports, got --{name}-port {port} and --{same[0]}-port {port}")
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            words = f"cannot listen on 127.0.0.1:{port}: {error.strerror}; name another port with --{name}-port"
            raise EnvironmentFailure(words) from error
