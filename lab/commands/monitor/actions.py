"""`lab monitor`: the exporter and what stands beside it, for running networks or a deployment's session file."""

from __future__ import annotations

import http.client
import os
import signal
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from lab.bounded_files import read_object
from lab.errors import UsageError
from lab.model.redacted import redact_url
from lab.model.session import Session
from lab.monitor.alerting.alerts import Thresholds
from lab.monitor.collect.collector import Watch
from lab.monitor.collect.json_log import JsonLog
from lab.monitor.collect.maintenance import announce, end, in_force
from lab.monitor.collect.relayer import look_at
from lab.monitor.configuration import Addresses, check, write
from lab.monitor.exporter import Exporter, check_session, serve
from lab.paths import real_path
from lab.report.catalogue.criteria_definitions import CRITERIA, definitions

POSITION, SUPERVISOR = "monitor.json", "supervisor.json"
REQUESTS_PER_MINUTE_MIN = 200
# Of the success criteria: percent of transactions that fail, seconds of a cross-chain execution.
FAILED_ROW, SLOW_ROW = "TEC-06", "TEC-02"
OF_CRITERIA = {"failed_share_max": FAILED_ROW, "cross_chain_s_max": SLOW_ROW}
RELAYER_TIMEOUT_S = 2.0


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
    """Export until SIGTERM or Ctrl-C. Raises UsageError or EnvironmentFailure before anything is served."""
    session = read_session(path)
    if options.per_minute < REQUESTS_PER_MINUTE_MIN:
        raise UsageError(
            f"expected --requests-per-minute {REQUESTS_PER_MINUTE_MIN} or more, got {options.per_minute}: "
            "fewer would not read one chunk of blocks"
        )
    check_session(session)
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


def limits_of(criteria: Path | None, speed: float, base_fee_factor: float = 5) -> Thresholds:
    """The limits, from the targets of the success criteria. Raises UsageError."""
    path = criteria or CRITERIA
    targets = {criterion.row: criterion.limit for criterion in definitions(path)}
    percent, seconds = targets.get(FAILED_ROW), targets.get(SLOW_ROW)
    if percent is None or seconds is None:
        raise UsageError(f"{path}: expected limits for {FAILED_ROW} and {SLOW_ROW}, at least one is missing")
    try:
        return Thresholds(
            base_fee_factor_max=base_fee_factor, failed_share_max=percent / 100, cross_chain_s_max=seconds, speed=speed
        )
    except ValidationError as error:
        first = error.errors()[0]
        name, said = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
        where = f"{path}: limit of {OF_CRITERIA[name]}" if name in OF_CRITERIA else name
        raise UsageError(f"{where}: {said}, got {first['input']}") from error


def configure(path: Path, folder: Path, limits: Thresholds, addresses: Addresses) -> list[str]:
    """Write and check the configuration for a session's deployment; a line for each file and each check."""
    session = read_session(path)
    written = [str(file) for file in write(folder, session.run_id, os.environ, limits, addresses)]
    return [*written, *check(folder)]


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
            with urllib.request.urlopen(url, timeout=RELAYER_TIMEOUT_S) as answer:
                return bool(answer.status == 200)
        except (OSError, ValueError, http.client.HTTPException):
            return False

    return alive


def maintain(path: Path, minutes: float | None, reason: str) -> str:
    """Announce maintenance, or end it where `minutes` is None; what was done."""
    read_session(path)
    folder = real_path(path).parent
    if minutes is None:
        end(folder)
        return "maintenance ended"
    if not 0 < minutes <= 24 * 60:
        raise UsageError(f"expected between 0 and 1440 minutes, got {minutes:g}: maintenance ends by itself")
    until = time.time() + 60 * minutes
    announce(folder, until, reason)
    return f"maintenance until {time.strftime('%H:%M:%S', time.localtime(until))}: alerts are inhibited until then"


__all__ = ["ExporterOptions", "maintain", "read_session", "run_exporter"]
