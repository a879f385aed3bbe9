"""Successful transactions per second over the length of each load run, beside what was offered."""

from __future__ import annotations

from itertools import groupby

from lab.html.figures import number
from lab.html.svg import BLUE, DASHED, FAINT, GREY, WIDTH, Stroke, curve, line, picture, text
from lab.report.records.measured import RatePoint
from lab.report.records.report import Readiness

LEFT, RIGHT, PANEL, TOP = 52, 16, 150, 24


def rate_chart(report: Readiness) -> str:
    """A panel for each run; empty where no load run is recorded."""
    runs = [(name, list(points)) for name, points in groupby(report.measured.rates, key=lambda point: point.run)]
    panels = [part for index, (name, points) in enumerate(runs) for part in _panel(name, points, index * PANEL)]
    return picture("Successful transactions per second over time", PANEL * len(runs), panels) if runs else ""


def _panel(name: str, points: list[RatePoint], down: float) -> list[str]:
    most = max(1.0, *(max(point.succeeded, point.offered) for point in points))
    last = max(1, points[-1].second)
    floor, high, room = down + PANEL - 26, PANEL - 26 - TOP, WIDTH - LEFT - RIGHT

    def place(second: int, rate: float) -> tuple[float, float]:
        return LEFT + room * second / last, floor - high * rate / most

    body = [text(LEFT, down + 14, name, size=11.5, weight=600)]
    for share in (0.0, 0.5, 1.0):
        y = floor - high * share
        body.append(line(LEFT, y, WIDTH - RIGHT, y, FAINT))
        body.append(text(LEFT - 8, y + 4, number(most * share), anchor="end", size=11, muted=True))
    body += [
        curve([place(point.second, point.offered) for point in points], Stroke(GREY, 2, dashes=DASHED)),
        curve([place(point.second, point.succeeded) for point in points], Stroke(BLUE, 2)),
        text(LEFT, floor + 16, "0 s", size=11, muted=True),
        text(WIDTH - RIGHT, floor + 16, f"{last:,} s", anchor="end", size=11, muted=True),
        text(WIDTH - RIGHT, down + 14, "solid: succeeded, dashed: offered", anchor="end", size=11, muted=True),
    ]
    return body
