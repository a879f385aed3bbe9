"""How many rows were settled in each report so far, one line a stage."""

from __future__ import annotations

from lab.html.svg import BAD, BLUE, GOOD, UNSURE, WIDTH, dot, line, picture, text
from lab.report.catalogue.rows import STAGES
from lab.report.records.report import Readiness

LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 40, 96, 12, 26, 190
_PAINT = {"lab": BLUE, "testnet": UNSURE, "mainnet": GOOD}


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
    for share in (0, 0.5, 1):
        count = round(most * share)
        body.append(line(LEFT, y(count), WIDTH - RIGHT, y(count), faint=0.12))
        body.append(text(LEFT - 8, y(count) + 4, str(count), anchor="end", size=11.5, muted=True))
    labels: list[float] = []
    for stage in STAGES:
        counts = [point.settled.get(stage, 0) for point in points]
        for index in range(len(points) - 1):
            at = (x(index), y(counts[index]), x(index + 1), y(counts[index + 1]))
            body.append(line(*at, colour=_PAINT[stage], wide=2))
        for index, point in enumerate(points):
            said = f"{point.generated}: {counts[index]} rows settled for {stage}, {point.failing} failing"
            body.append(dot(x(index), y(counts[index]), colour=_PAINT[stage], radius=2.5, title=said))
        label = y(counts[-1]) + 4
        while any(abs(label - other) < 14 for other in labels):
            label -= 14
        labels.append(label)
        body.append(text(WIDTH - RIGHT + 10, label, f"{stage} {counts[-1]}", size=11.5))
    for index, anchor in ((0, "start"), (len(points) - 1, "end")):
        said = points[index].generated[:16].replace("T", " ")
        body.append(text(x(index), HEIGHT - 8, said, anchor=anchor, size=11.5, muted=True))
    failing = points[-1].failing
    if failing:
        word = text(LEFT + 6, TOP + 14, f"{failing} failing now", size=11.5, weight=600)
        body.append(f'<g fill="{BAD}">{word}</g>')
    return picture("Settled rows over the reports so far", HEIGHT, body)
