"""Cross-chain time of each pair of networks: from the least to the most, with median and 95th percentile."""

from __future__ import annotations

import math
from collections import Counter

from lab.html.svg import BAD, BLUE, GOOD, UNSURE, WIDTH, Scale, Stroke, dot, grid, line, linear, picture, target, text
from lab.html.text import clean
from lab.model.outcome import Outcome
from lab.report.records.measured import PairView
from lab.report.records.report import Readiness

LEFT, RIGHT, ROW, TOP = 232, 138, 27, 30
LIMIT_MS = 30_000
MAX_PAIRS, MAX_NAME = 40, 36


def latency_chart(report: Readiness) -> str:
    """Empty where no execution crossed chains. The slowest pairs come first."""
    pairs = sorted(report.measured.pairs, key=lambda pair: (-pair.p95_ms, pair.origin, pair.target))[:MAX_PAIRS]
    if not pairs:
        return ""
    end = max(LIMIT_MS * 1.25, *(pair.max_ms for pair in pairs))
    height = TOP + ROW * len(pairs) + 26
    x = linear(0, end, LEFT, WIDTH - RIGHT)

    step = 10_000 * max(1, math.ceil(end / 80_000))
    ticks = [(t_ms, f"{t_ms // 1000:,} s") for t_ms in range(0, int(end) + 1, step)]
    body = [*grid(x, ticks, TOP, height), *target(x(LIMIT_MS), "target 30 s", TOP, height - 22)]
    ways = Counter((pair.origin, pair.target) for pair in pairs)
    for index, pair in enumerate(pairs):
        body += _row(pair, TOP + ROW * index + ROW / 2, x, several=ways[pair.origin, pair.target] > 1)
    return picture("Cross-chain time for each pair of networks", height, body)


def _row(pair: PairView, y: float, x: Scale, *, several: bool) -> list[str]:
    """`several`: the same two networks are there with another finality, so that it has to be said."""
    colour = {Outcome.MET: GOOD, Outcome.NOT_MET: BAD}.get(pair.state, UNSURE)
    name = f"{pair.origin} to {pair.target}"
    said = (
        f"{name}, final after {pair.finality}: median {pair.p50_ms / 1000:.1f} s, p95 {pair.p95_ms / 1000:.1f} s, "
        f"most {pair.max_ms / 1000:.1f} s, {pair.n} executions, {pair.state}"
    )
    short = name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"
    finality = text(LEFT - 12, y + 10, clean(f"finality: {pair.finality}", MAX_NAME), anchor="end", size=9, muted=True)
    return [
        text(LEFT - 12, y - 1 if several else y + 4, short, anchor="end", size=10.5),
        *([finality] if several else []),
        line(x(pair.least_ms), y, x(pair.max_ms), y, Stroke(colour, 3, 0.45)),
        dot(x(pair.p50_ms), y, colour=BLUE, hollow=True, title=said),
        dot(x(pair.p95_ms), y, colour=colour, title=said),
        text(WIDTH - RIGHT + 12, y + 4, f"p95 {pair.p95_ms / 1000:.1f} s, n = {pair.n}", size=11.5, muted=True),
    ]
