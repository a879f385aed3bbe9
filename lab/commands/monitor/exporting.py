"""`lab monitor exporter`: what it refuses is found by the command, which then becomes a process that only exports.

That one has neither the other commands nor their options in memory, and a heap that is not spread over its threads.
`python -m lab.commands.monitor.exporting`, the options as JSON in an argument.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.bounded_files import read_object
from lab.chains.processes.python_child import python_command
from lab.commands.ending import end_with
from lab.errors import LabError, UsageError
from lab.model.redacted import redact_url
from lab.model.session import Session
from lab.monitor.collect.collector import Watch
from lab.monitor.collect.json_log import JsonLog
from lab.monitor.collect.maintenance import in_force
from lab.monitor.collect.relayer import look_at
from lab.monitor.exporter import Exporter, check_session, serve
from lab.paths import real_path
from lab.rpc.urls import fetch

POSITION, SUPERVISOR = "monitor.json", "supervisor.json"
REQUESTS_PER_MINUTE_MIN = 200
RELAYER_TIMEOUT_S = 2.0
# glibc gives each thread a heap of its own, and keeps what was freed; pydantic reads the metadata of every package.
LEAN = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "131072", "PYDANTIC_DISABLE_PLUGINS": "__all__"}


@dataclass(frozen=True, slots=True)
class ExporterOptions:
    """Where to listen, how often to look, and how much each endpoint may be asked."""

    host: str
    port: int
    interval_s: float
    per_minute: int
    relayer_url: str | None = None


def read_session(path: Path) -> Session:
    """A session file. Raises UsageError that says what is wrong with it."""
    try:
        session = Session.read(path)
    except OSError as error:
        raise UsageError(f"{path}: expected a session.json as `lab up` writes it: {error.strerror}") from error
    if not session.chains:
        raise UsageError(f"{path}: expected at least one chain under 'chains', there is none to watch")
    return session


def run_exporter(path: Path, options: ExporterOptions) -> None:
    """Become the process that exports until SIGTERM or Ctrl-C. Raises UsageError for what it would refuse."""
    become(exporter_command(path, options))


def exporter_command(path: Path, options: ExporterOptions) -> list[str]:
    """The process that exports, as a command. Raises UsageError for what it would refuse."""
    session = read_session(path)
    if options.per_minute < REQUESTS_PER_MINUTE_MIN:
        raise UsageError(
            f"expected --requests-per-minute {REQUESTS_PER_MINUTE_MIN} or more, got {options.per_minute}: "
            "fewer would not read one chunk of blocks"
        )
    if options.relayer_url:
        _answers(options.relayer_url)
    check_session(session)
    arguments = json.dumps({"path": str(path), **asdict(options)})
    return python_command("-m", __name__, arguments)


def become(command: list[str]) -> None:
    """Go on as another program, with the same process id."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(command[0], command, {**os.environ, **lean()})


def lean() -> dict[str, str]:
    """What its environment has in addition."""
    return {name: text for name, text in LEAN.items() if name not in os.environ}


def export(path: Path, options: ExporterOptions) -> None:
    """Export until SIGTERM or Ctrl-C. Raises UsageError or EnvironmentFailure before anything is served."""
    session = read_session(path)
    folder = real_path(path).parent
    log = JsonLog(session.run_id)
    alive = _answers(options.relayer_url) if options.relayer_url else _supervised(folder, session.run_id)
    watch = Watch(
        now_s=lambda: session.chain_time(time.time()),
        log=log,
        relayer=lambda: look_at(Path(session.store_path), alive),
        maintenance=lambda: in_force(folder, time.time()),
        per_minute=options.per_minute,
        interval_s=options.interval_s,
    )
    exporter = Exporter(session, watch, position=folder / POSITION)
    server = serve(exporter, options.host, options.port)
    exporter.start()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    port = server.server_address[1]
    chains = {name: redact_url(chain.rpc_url) for name, chain in session.chains.items()}
    log(event="started", address=f"http://{options.host}:{port}/metrics", chains=chains, per_minute=options.per_minute)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    stopping.wait()
    server.shutdown()
    server.server_close()
    exporter.close()
    log(event="stopped")


def _supervised(folder: Path, run_id: str) -> Callable[[], bool | None]:
    """Whether the supervisor of `lab up` says that the relayer runs; None where it runs none, or there is none."""

    def alive() -> bool | None:
        try:
            state = read_object(folder / SUPERVISOR)
        except (OSError, ValueError):
            return None
        known = {"running": True, "dead": False}
        return known.get(str(state.get("relayer"))) if state.get("run_id") == run_id else None

    return alive


def _answers(url: str) -> Callable[[], bool | None]:
    """Whether an address of the relayer's own answers with success."""
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"expected --relayer-url as http://HOST:PORT/PATH, got {redact_url(url)!r}")

    def alive() -> bool | None:
        try:
            return fetch(url, timeout_s=RELAYER_TIMEOUT_S, bytes_max=1)[0] == 200
        except (OSError, ValueError):
            return False

    return alive


def main() -> int:
    """The process that exports; its exit code."""
    options = json.loads(sys.argv[1])
    path = Path(options.pop("path"))
    try:
        export(path, ExporterOptions(**options))
    except (LabError, OSError) as error:
        return end_with(error)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
