"""`lab monitor page`: the dashboards of a recorded run as one offline HTML file."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from lab.bounded_files import read_object, write_atomically
from lab.chains.processes.reaper import Reaper
from lab.errors import UsageError
from lab.monitor.alerting.alerts import Thresholds
from lab.monitor.alerting.timeline import AlertSpan, SeriesLog
from lab.monitor.dashboards.page import FILE, page
from lab.monitor.servers import recorded

SERIES_FILE = "monitor.json"


def write_page(run: Path, out: Path | None) -> Path:
    """Write it; the file. Raises UsageError for a folder without samples, EnvironmentFailure without Prometheus."""
    path = run / SERIES_FILE
    try:
        data = read_object(path)
        log = SeriesLog.read(data)
        alerts = TypeAdapter(list[AlertSpan]).validate_python(data.get("alerts"))
    except (OSError, ValueError) as error:
        words = " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: expected the samples of a run with `monitor: true`: {words}") from error
    if log.count < 1:
        raise UsageError(f"{path}: expected at least one sample, got none")
    with Reaper.start() as reaper, recorded(log, reaper) as prometheus:
        text = page(log, alerts, run.resolve().name, prometheus, Thresholds())
    file = out or run / FILE
    write_atomically(file, text)
    return file
