"""`lab monitor`: what stands beside the exporter, for running networks or a deployment's session file."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import ValidationError

from lab.commands.monitor.exporting import read_session
from lab.errors import UsageError
from lab.monitor.alerting.alerts import Thresholds
from lab.monitor.collect.maintenance import announce, end
from lab.monitor.configuration import Addresses, check, write
from lab.paths import real_path
from lab.report.catalogue.criteria_definitions import CRITERIA, definitions

# Of the success criteria: percent of transactions that fail, seconds of a cross-chain execution.
FAILED_ROW, SLOW_ROW = "TEC-06", "TEC-02"
OF_CRITERIA = {"failed_share_max": FAILED_ROW, "cross_chain_s_max": SLOW_ROW}


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
