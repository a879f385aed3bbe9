"""`python -m lab.relayer --session PATH`: the relayer as a process of its own, one JSON line per change on stderr.

Exit codes: 0 stopped by SIGTERM or SIGINT, 2 the session or an option is wrong, 4 the machine cannot do it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from lab.bounded_files import first_fault, read_object
from lab.coordinator import Account
from lab.errors import LabError, UsageError
from lab.model.session import Session
from lab.relayer.clock import WallClock, next_poll_ms
from lab.relayer.memory.records import CRASH_POINTS
from lab.relayer.pace import until_poll
from lab.relayer.parts import REFERENCE
from lab.relayer.relayer import Relayer
from lab.relayer.timings import Timed, Timings
from lab.rpc.endpoints import transport_to
from lab.rpc.failover import FailoverTransport
from lab.rpc.transport import HttpTransport

if TYPE_CHECKING:
    from lab.relayer.metrics import RelayerMetrics


def read_session(path: Path) -> Session:
    """The session file. Raises UsageError that says what is wrong with it."""
    try:
        return Session.read(path)
    except OSError as error:
        raise UsageError(f"{path}: expected a session.json as `lab up` writes it, cannot read it: {error}") from error
    except ValidationError as error:
        raise UsageError(f"{path}: expected a session.json of this version: {first_fault(error)}") from error


def read_account(session: Session) -> Account:
    """The relayer's account with its key. Raises UsageError; never quotes a key."""
    role, path = session.relayer_role, Path(session.key_file)
    if role not in session.accounts:
        raise UsageError(f"session: expected an address for the role {role!r}, got {', '.join(session.accounts)}")
    try:
        key = read_object(path)[role]
        return Account(role, session.accounts[role].lower(), bytes.fromhex(key.removeprefix("0x")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path}: expected a JSON object with a private key for the role {role!r}") from None


def _report(status: dict[str, Any]) -> None:
    # In one piece: what an endpoint does may be reported while chains are asked side by side.
    sys.stderr.write(json.dumps(status) + "\n")
    sys.stderr.flush()


def _report_endpoint(clock: WallClock, chain: str, text: str) -> None:
    _report({"t_ms": clock.now_ms(), "event": "endpoint", "chain": chain, "text": text})


def _metrics() -> RelayerMetrics:
    # Imported by those who ask for it.
    from lab.relayer.metrics import RelayerMetrics

    return RelayerMetrics()


def _notify(status: dict[str, Any], metrics: RelayerMetrics | None) -> None:
    _report(status)
    if metrics is not None:
        metrics.reported(status)


def _kill_at(point: str | None, at: str) -> None:
    """A crash is a crash: no clean-up of any kind."""
    if at == point:
        os.kill(os.getpid(), signal.SIGKILL)


def _close(transports: Iterable[HttpTransport | FailoverTransport], timings: Timings) -> None:
    for transport in transports:
        transport.close()
    for line in timings.lines():
        _report(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until a signal to stop; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.relayer", description=__doc__)
    parser.add_argument("--session", type=Path, required=True, help="the session.json of a running lab")
    parser.add_argument("--store", type=Path, help="the relayer's SQLite file (default: the session's)")
    parser.add_argument("--metrics-port", type=int, help="serve Prometheus metrics on this port of 127.0.0.1 (0: any)")
    parser.add_argument(
        "--one-by-one", action="store_true", help="no batch calls, and each question in its own request"
    )
    parser.add_argument("--crash-at", choices=CRASH_POINTS, help="kill the process when it reaches this point")
    options = parser.parse_args(arguments)
    timings = Timings()
    metrics = _metrics() if options.metrics_port is not None else None
    try:
        if metrics is not None:
            _report({"event": "metrics", "port": metrics.serve(options.metrics_port)})
        session = read_session(options.session)
        account = read_account(session)
        clock = WallClock.of(session)
        timeout_s = clock.on_wall(session.rpc_timeout_ms / 1000)
        transports = {
            name: transport_to(
                chain,
                timeout_s=timeout_s,
                notify=partial(_report_endpoint, clock, name),
                now=lambda: clock.now_ms() / 1000,
                sleep=clock.sleep,
            )
            for name, chain in session.chains.items()
        }
        relayer = Relayer(
            session,
            {name: Timed(transport, timings, batches=not options.one_by_one) for name, transport in transports.items()},
            account,
            options.store or Path(session.store_path),
            clock,
            crash=lambda at: _kill_at(options.crash_at, at),
            notify=lambda status: _notify({"t_ms": clock.now_ms(), **status}, metrics),
            parts=replace(REFERENCE, batches=not options.one_by_one),
        )
    except LabError as error:
        _report({"event": "error", "error": str(error)})
        return error.exit_code
    stopping: list[int] = []

    def stop(number: int, _: Any) -> None:
        stopping.append(number)
        clock.wake()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _report({"event": "started", "account": account.address, "chains": list(session.chains)})
    was_idle = False
    while not stopping:
        begun_ms = clock.now_ms()
        relayer.step()
        idle = relayer.idle()
        if metrics is not None:
            metrics.polled(time.time(), idle=idle)
        if idle != was_idle:
            was_idle = idle
            _report({"t_ms": clock.now_ms(), "event": "idle" if idle else "busy"})
        # One that took longer than an interval is followed by the next at once.
        until_poll(relayer, clock, next_poll_ms(begun_ms, session.poll_interval_ms), lambda: bool(stopping))
    relayer.close()
    _close(transports.values(), timings)
    _report({"event": "stopped", "signal": signal.Signals(stopping[0]).name})
    return 0


if __name__ == "__main__":
    sys.exit(main())
