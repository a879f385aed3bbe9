"""Rates over time of the newest load run of each profile with what is in force, from its `series.csv`."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from lab.bounded_files import read_lines
from lab.evidence.in_force import ANYTHING, InForce
from lab.evidence.load_runs import counting_loads
from lab.html.text import clean
from lab.report.records.measured import RatePoint

FILE = "series.csv"
# Of five chains for three days; what is longer is not drawn.
BYTES_MAX, LINES_MAX, LINE_BYTES_MAX = 64 << 20, 1_300_000, 16 << 10
MAX_POINTS, MAX_RUNS = 240, 6


def read_series(results: Path, in_force: InForce = ANYTHING) -> tuple[RatePoint, ...]:
    """Thinned to what a chart can show. A file that is not what it should be is left out; nothing raises."""
    points: list[RatePoint] = []
    newest = (counting.newest for counting in counting_loads(results / "load", in_force))
    folders = sorted(run.folder for run in newest if run is not None and in_force.fits(run))
    for folder in folders[:MAX_RUNS]:
        try:
            points += _of(folder)
        except (OSError, ValueError, csv.Error, KeyError, TypeError):
            continue
    return tuple(points)


def _of(folder: Path) -> list[RatePoint]:
    seconds: dict[int, list[float]] = {}
    lines = read_lines(folder / FILE, max_bytes=BYTES_MAX, max_lines=LINES_MAX, max_line_bytes=LINE_BYTES_MAX)
    for line in csv.DictReader(lines):
        succeeded, offered = float(line["succeeded"]), float(line["offered"])
        if not (math.isfinite(succeeded) and math.isfinite(offered)):
            raise ValueError("expected finite rates")
        entry = seconds.setdefault(int(line["t"]), [0.0, 0.0])
        entry[0] += succeeded
        entry[1] += offered
    step = max(1, -(-len(seconds) // MAX_POINTS))
    ordered = sorted(seconds)
    points = []
    for start in range(0, len(ordered), step):
        part = [seconds[second] for second in ordered[start : start + step]]
        mean = [round(sum(values) / len(part), 2) for values in zip(*part, strict=True)]
        name = clean(folder.name, 60)
        points.append(RatePoint(run=name, second=ordered[start], succeeded=mean[0], offered=mean[1]))
    return points
