"""Each measured criterion as a bar on a scale of its own, the target always at the same place."""

from __future__ import annotations

import math

from lab.html.figures import measured
from lab.html.svg import BAD, GOOD, GREY, UNSURE, WIDTH, Stroke, box, line, picture, target, text
from lab.model.outcome import Outcome
from lab.report.records.criterion import Criterion
from lab.report.records.report import Readiness

LEFT, RIGHT, ROW, TOP = 178, 196, 40, 26
_PAINT: dict[Outcome, str] = {Outcome.MET: GOOD, Outcome.NOT_MET: BAD, Outcome.INFEASIBLE: BAD, Outcome.UNKNOWN: UNSURE}


def criteria_chart(report: Readiness) -> str:
    """Empty where nothing was measured."""
    criteria = [
        criterion
        for criterion in report.criteria
        if criterion.kind == "technical" and criterion.value is not None and criterion.limit
    ]
    if not criteria:
        return ""
    height = TOP + ROW * len(criteria) + 6
    body = target(_x(1.0), "target", TOP, height - 6)
    for index, criterion in enumerate(criteria):
        body += _row(criterion, TOP + ROW * index)
    return picture("Success criteria against their targets", height, body)


def _row(criterion: Criterion, y: float) -> list[str]:
    assert criterion.value is not None
    assert criterion.limit
    colour = _PAINT.get(criterion.state, GREY)
    share = criterion.value / criterion.limit
    said = f"{criterion.row}: {criterion.figure}, target {criterion.target}, {criterion.state}"
    parts = [
        text(LEFT - 12, y + 15, criterion.row, anchor="end", weight=600),
        text(LEFT - 12, y + 30, _name(criterion), anchor="end", size=11, muted=True),
        box(LEFT, y + 8, _x(share) - LEFT, 18, colour=colour, faint=0.85, title=said),
        text(WIDTH - RIGHT + 12, y + 16, measured(criterion.value, criterion.unit), weight=600),
        text(
            WIDTH - RIGHT + 12,
            y + 31,
            f"{criterion.state.lower()}, target {measured(criterion.limit, criterion.unit)}",
            size=11.5,
            muted=True,
        ),
    ]
    if criterion.low is not None and criterion.high is not None:
        low, high = _x(criterion.low / criterion.limit), _x(criterion.high / criterion.limit)
        parts.append(line(low, y + 17, high, y + 17, Stroke(wide=1.5)))
        parts += [line(end, y + 12, end, y + 22, Stroke(wide=1.5)) for end in (low, high)]
    return parts


def _name(criterion: Criterion) -> str:
    return criterion.title if len(criterion.title) <= 26 else f"{criterion.title[:25]}…"


def _x(share: float) -> float:
    """A square-root scale up to four times the target: small figures stay visible, and large ones on the page."""
    room = WIDTH - LEFT - RIGHT
    return LEFT + room * min(1.0, math.sqrt(max(0.0, share)) / 2)
