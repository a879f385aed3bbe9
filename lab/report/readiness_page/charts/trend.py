"""How many rows were settled in each report so far, one line a stage."""

from __future__ import annotations

from collections.abc import Sequence

from lab.html.svg import BAD, BLUE, FAINT, GOOD, UNSURE, WIDTH, Stroke, curve, dot, line, picture, text
from lab.html.text import plural
from lab.report.catalogue.rows import STAGES
from lab.report.records.report import Readiness

LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 40, 96, 12, 26, 190
_COLOURS = {"lab": BLUE, "testnet": UNSURE, "mainnet": GOOD}


def trend_chart(report: Readiness) -> str:
    """Empty before there are two reports."""
    points = report.trend
    if len(points) < 2:
        return ""
    most = max(10, *(stage.rows for stage in report.stages))
    room, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def x(index: int) -> float:
        return LEFT + room * index / (len(points) - 1)

    def y(count: int) -> float:
        return TOP + high * (1 - count / most)

    body = []
    for count in (0, round(most / 2), most):
        body.append(line(LEFT, y(count), WIDTH - RIGHT, y(count), FAINT))
        body.append(text(LEFT - 8, y(count) + 4, str(count), anchor="end", size=11.5, muted=True))
    labels: list[float] = []
    for stage in STAGES:
        counts = [point.settled.get(stage, 0) for point in points]
        places = [(x(index), y(count)) for index, count in enumerate(counts)]
        body.append(curve(places, Stroke(_COLOURS[stage], 2)))
        for point, count, (across, down) in zip(points, counts, places, strict=True):
            said = f"{point.generated}: {plural(count, 'row')} settled for {stage}, {point.failing} failing"
            body.append(dot(across, down, colour=_COLOURS[stage], radius=2.5, title=said))
        labels.append(_free(places[-1][1] + 4, labels))
        body.append(text(WIDTH - RIGHT + 10, labels[-1], f"{stage} {counts[-1]}", size=11.5))
    for index, anchor in ((0, "start"), (len(points) - 1, "end")):
        moment = points[index].generated[:16].replace("T", " ")
        body.append(text(x(index), HEIGHT - 8, moment, anchor=anchor, size=11.5, muted=True))
    failing = points[-1].failing
    if failing:
        word = text(LEFT + 6, TOP + 14, f"{failing} failing now", size=11.5, weight=600)
        body.append(f'<g fill="{BAD}">{word}</g>')
    return picture("Settled rows over the reports so far", HEIGHT, body)


def _free(y: float, taken: Sequence[float]) -> float:
    """The nearest place above that no label has."""
    while any(abs(y - other) < 14 for other in taken):
        y -= 14
    return y
