"""`lab monitor`: what stands beside the exporter, for running networks or a deployment's session file."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import ValidationError

from lab.commands.monitor.exporting import read_session
from lab.errors import UsageError
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.collect.maintenance import announce, end
from lab.monitor.configuration import Addresses, check, write
from lab.paths import real_path
from lab.report.catalogue.criteria_definitions import CRITERIA, definitions

# Limit -> its row of the success criteria, and what one unit there is here: failures are given in percent.
OF_CRITERIA = {
    "failed_share_max": ("TEC-06", 0.01),
    "cross_chain_s_max": ("TEC-02", 1),
    "cost_usd_max": ("TEC-03", 1),
    "transactions_per_s": ("TEC-04", 1),
}


def limits_of(criteria: Path | None, speed: float, base_fee_factor: float = 5) -> Thresholds:
    """The limits, from the targets of the success criteria. Raises UsageError."""
    path = criteria or CRITERIA
    targets = {criterion.row: criterion.limit for criterion in definitions(path)}
    missing = [row for row, _ in OF_CRITERIA.values() if targets.get(row) is None]
    if missing:
        rows = ", ".join(row for row, _ in OF_CRITERIA.values())
        raise UsageError(f"{path}: expected limits for {rows}, there is none for {', '.join(missing)}")
    given = {name: (targets[row] or 0) * unit for name, (row, unit) in OF_CRITERIA.items()}
    try:
        return Thresholds.model_validate({**given, "base_fee_factor_max": base_fee_factor, "speed": speed})
    except ValidationError as error:
        first = error.errors()[0]
        name, said = str(first["loc"][0]), first["msg"].removeprefix("Value error, ")
        where = f"{path}: limit of {OF_CRITERIA[name][0]}" if name in OF_CRITERIA else name
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
