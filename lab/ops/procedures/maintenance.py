"""Planned maintenance: a banner, a silence in Alertmanager, the stop. Banner and silence end by themselves.

The stop does not: no contract lifts it by a clock. Once the silence is over the alert of a stopped contract fires, so a
maintenance that nobody ended is seen. What was stopped before stays stopped at the end.
"""

from __future__ import annotations

import datetime
import json
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from lab.bounded_files import parse_json, read_model, write_atomically
from lab.errors import LabError, UsageError
from lab.model.frozen import Frozen
from lab.model.redacted import redact_url
from lab.monitor.collect.maintenance import announce
from lab.monitor.collect.maintenance import end as end_banner
from lab.ops.executors import Executor
from lab.ops.operation import Operation
from lab.ops.planning import Plan
from lab.ops.procedure import Ask, carry_out
from lab.ops.procedures.pausing import Pause, Unpause
from lab.ops.report import Report, report_id, write_evidence
from lab.ops.state import read_state
from lab.rpc.urls import fetch, url_below

FILE, TIMEOUT_S, HOURS_MAX = "maintenance.json", 10.0, 24


class SilenceFailure(LabError):
    """Alertmanager cannot be asked, or refused."""

    exit_code = 3


class Begun(Frozen):
    """What was begun: `until` in unix seconds, `stopped` the chains that this maintenance stops."""

    until: float
    reason: str
    stopped: tuple[str, ...]
    alertmanager: str | None = None
    silence: str | None = None

    def silenced(self, alertmanager: str, now_s: float) -> bool:
        """Whether its silence is in force there."""
        return self.alertmanager == alertmanager and self.silence is not None and now_s < self.until


def begun_file(operation: Operation) -> Path:
    """Beside the operation's records."""
    return operation.folder / FILE


def begin(
    operation: Operation,
    executor: Executor,
    *,
    for_s: float,
    reason: str,
    banner: Path,
    alertmanager: str | None = None,
    only: tuple[str, ...] = (),
    ask: Ask | None = None,
) -> Report:
    """Banner and silence first, so that the stop wakes nobody; then the stop. Raises SilenceFailure, UsageError."""
    if not 0 < for_s <= HOURS_MAX * 3600:
        raise UsageError(f"expected up to {HOURS_MAX} hours, got {for_s / 3600:g}: a longer one is no maintenance")
    begun, refused = False, list[bool]()

    def prepare() -> None:
        nonlocal begun
        begun = True
        _begin(operation, for_s, reason, banner, alertmanager, only)

    def asked(plans: Sequence[Plan]) -> bool:
        assert ask is not None
        agreed = ask(plans)
        if agreed:
            prepare()
        refused.append(not agreed)
        return agreed

    if ask is None:
        prepare()
    report = carry_out(
        operation, Pause(name="maintenance begin"), executor, only=only, ask=None if ask is None else asked
    )
    if not begun and not any(refused):
        prepare()
    _forget_running(operation, report)
    return report


def _forget_running(operation: Operation, report: Report) -> None:
    """Chains that were not stopped after all: a later stop of somebody else's is not this maintenance's to lift."""
    begun, failed = _read(operation), set[str]()
    for chain in report.chains:
        if chain.standing == "differs" and all(result.outcome == "refused" for result in chain.results):
            failed.add(chain.chain)
    if begun is not None and failed & set(begun.stopped):
        left = tuple(name for name in begun.stopped if name not in failed)
        write_atomically(
            begun_file(operation), begun.model_copy(update={"stopped": left}).model_dump_json(indent=2) + "\n"
        )


def _begin(
    operation: Operation, for_s: float, reason: str, banner: Path, alertmanager: str | None, only: tuple[str, ...]
) -> None:
    now_s = operation.timing.unix()
    earlier = _read(operation)
    running = [] if earlier is None else list(earlier.stopped)
    stopped = running + [name for name in _running(operation, only) if name not in running]
    silence = None
    if alertmanager is not None:
        # Begun again, longer or shorter: the silence that there is gets the new end, no second one outlives it.
        known = earlier.silence if earlier is not None and earlier.silenced(alertmanager, now_s) else None
        silence = _silence(alertmanager, operation, now_s, now_s + for_s, reason, known)
    elif earlier is not None:
        alertmanager, silence = earlier.alertmanager, earlier.silence
    begun = Begun(
        until=now_s + for_s, reason=reason, stopped=tuple(stopped), alertmanager=alertmanager, silence=silence
    )
    operation.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(begun_file(operation), begun.model_dump_json(indent=2) + "\n")
    announce(banner, begun.until, reason)


def end(operation: Operation, executor: Executor, *, banner: Path, ask: Ask | None = None) -> Report:
    """Lift the stop of what was stopped for it, then end banner and silence. Raises UsageError without a maintenance.

    Where a chain cannot be started again both stay, until they end by themselves.
    """
    begun = _read(operation)
    if begun is None:
        raise UsageError(f"{begun_file(operation)}: expected a maintenance that was begun, there is none")
    unpause = Unpause(name="maintenance end")
    if begun.stopped:
        report = carry_out(operation, unpause, executor, only=begun.stopped, ask=ask)
    else:
        name = report_id(operation, unpause.name)
        report = Report(name, unpause.name, operation.name, operation.who, executor.described, [])
        write_evidence(operation, report)
    if report.exit_code == 0:
        if begun.alertmanager is not None and begun.silence is not None and operation.timing.unix() < begun.until:
            _call(begun.alertmanager, "DELETE", f"/api/v2/silence/{begun.silence}", None)
        end_banner(banner)
        begun_file(operation).unlink(missing_ok=True)
    return report


def _read(operation: Operation) -> Begun | None:
    try:
        return read_model(begun_file(operation), Begun)
    except FileNotFoundError:
        return None


def _running(operation: Operation, only: tuple[str, ...]) -> Sequence[str]:
    """The chains whose contract runs now; one that cannot be read is not known to have been stopped."""

    def runs(chain: Any) -> bool:
        try:
            return read_state(chain, (), chain.rpc.block_number()).paused is not True
        except LabError:
            return True

    chains = operation.select(only)
    answers = operation.timing.everywhere({chain.name: partial(runs, chain) for chain in chains})
    return [name for name, answer in answers.items() if answer]


def _silence(
    url: str, operation: Operation, start_s: float, end_s: float, reason: str, known: str | None = None
) -> str:
    """All alerts but that of the maintenance itself; its id. `known` gets the new end, if it is there."""
    body: dict[str, Any] = {
        "matchers": [{"name": "alertname", "value": "Maintenance", "isRegex": False, "isEqual": False}],
        "startsAt": _time(start_s),
        "endsAt": _time(end_s),
        "createdBy": operation.who,
        "comment": reason,
    }
    if known is not None:
        # One that somebody removed meanwhile is made anew.
        with suppress(SilenceFailure):
            return str(_call(url, "POST", "/api/v2/silences", {"id": known, **body}).get("silenceID", ""))
    return str(_call(url, "POST", "/api/v2/silences", body).get("silenceID", ""))


def _time(unix_s: float) -> str:
    return datetime.datetime.fromtimestamp(unix_s, datetime.UTC).isoformat()


def _call(url: str, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"expected the address of Alertmanager (http://HOST:PORT), got {redact_url(url)!r}")
    request = urllib.request.Request(
        url_below(url, path),
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
        method=method,
    )
    try:
        _, text = fetch(request, timeout_s=TIMEOUT_S, bytes_max=1 << 20)
        parsed = parse_json(text, path) if text.strip() else {}
    except (OSError, ValueError) as error:
        raise SilenceFailure(f"Alertmanager: expected an answer to {method} {path}: {error}") from error
    return parsed if isinstance(parsed, dict) else {}
