"""`lab monitor up`: exporter, Prometheus and Alertmanager as plain processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from lab.commands.monitor import configure
from lab.errors import EnvironmentFailure
from lab.monitor import tools
from lab.monitor.alerts import Thresholds
from lab.monitor.configuration import ALERTMANAGER, PROMETHEUS, Addresses
from lab.paths import real_path

STOP_S, LOOK_S = 5, 0.5


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three listen, on 127.0.0.1."""

    exporter: int
    prometheus: int
    alertmanager: int


def run_all(session: Path, folder: Path, ports: Ports, speed: float) -> None:
    """Run until SIGTERM or Ctrl-C. Raises EnvironmentFailure where a binary lacks, or one of them ends."""
    addresses = Addresses(f"127.0.0.1:{ports.exporter}", f"127.0.0.1:{ports.alertmanager}")
    configure(session, folder, Thresholds(speed=speed), addresses)
    commands = _commands(real_path(session), ports, speed)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with ExitStack() as stack:
        running = {name: _start(stack, name, command, folder) for name, command in commands.items()}
        print(f"metrics       http://{addresses.exporter}/metrics")
        print(f"prometheus    http://127.0.0.1:{ports.prometheus}")
        print(f"alertmanager  http://{addresses.alertmanager}")
        print(f"logs          {folder}\nstop          Ctrl-C", flush=True)
        while not stopping.wait(LOOK_S):
            for name, process in running.items():
                if process.poll() is not None:
                    words = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")[-600:]
                    raise EnvironmentFailure(f"{name} ended with exit code {process.returncode}: {words}")


def _commands(session: Path, ports: Ports, speed: float) -> dict[str, list[str]]:
    interval = max(1.0, 5 / speed)
    exporter = [sys.executable, "-m", "lab.cli", "monitor", "exporter", "--session", str(session)]
    return {
        "exporter": [*exporter, "--port", str(ports.exporter), "--interval", f"{interval:g}"],
        "prometheus": [
            tools.find("prometheus"),
            f"--config.file={PROMETHEUS}",
            "--storage.tsdb.path=prometheus-data",
            # What is sent before Alertmanager is known is lost, and sent again after this time.
            f"--rules.alert.resend-delay={max(1, round(60 / speed))}s",
            f"--web.listen-address=127.0.0.1:{ports.prometheus}",
        ],
        "alertmanager": [
            tools.find("prometheus-alertmanager"),
            f"--config.file={ALERTMANAGER}",
            "--storage.path=alertmanager-data",
            f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
            # Its default is to listen for a cluster on every address.
            "--cluster.listen-address=",
        ],
    }


def _start(stack: ExitStack, name: str, command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    log = stack.enter_context((folder / f"{name}.log").open("wb"))
    process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=dict(os.environ))
    stack.callback(_stop, process)
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
