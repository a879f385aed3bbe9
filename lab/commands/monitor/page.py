"""`lab monitor page`: the dashboards of a recorded run as one offline HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import FailFast, TypeAdapter

from lab.bounded_files import read_object, write_atomically
from lab.chains.processes.reaper import Reaper
from lab.errors import EvidenceFailure, UsageError
from lab.evidence.folder import MANIFEST, SAMPLES
from lab.evidence.seal import differences
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.timeline import AlertSpan, SeriesLog
from lab.monitor.dashboards.page import FILE, page
from lab.monitor.servers import recorded


def write_page(run: Path, out: Path | None) -> Path:
    """Write it; the file. Raises UsageError for a folder without samples, EnvironmentFailure without Prometheus.

    EvidenceFailure for a run whose evidence was changed: its page would show what was not measured.
    """
    log, alerts = read_samples(run)
    with Reaper.start() as reaper, recorded(log, reaper) as prometheus:
        text = page(log, alerts, run.resolve().name, prometheus, Thresholds())
    file = out or run / FILE
    write_atomically(file, text)
    return file


def read_samples(run: Path) -> tuple[SeriesLog, list[AlertSpan]]:
    """Series and alerts of a run as it wrote them. Raises UsageError, EvidenceFailure."""
    path = run / SAMPLES
    if (run / MANIFEST).is_file() and (changed := differences(run, ())):
        raise EvidenceFailure(changed[0])
    try:
        data = read_object(path)
        log = SeriesLog.read(data)
        alerts = TypeAdapter(Annotated[list[AlertSpan], FailFast()]).validate_python(data.get("alerts"))
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or " ".join(str(error).split())[:200]
        raise UsageError(f"{path}: expected the samples of a run with `monitor: true`: {words}") from error
    if log.count < 1:
        raise UsageError(f"{path}: expected at least one sample, there is none")
    return log, alerts
