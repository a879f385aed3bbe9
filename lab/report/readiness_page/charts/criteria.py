"""Each measured criterion as a bar on a scale of its own, the target always at the same place."""

from __future__ import annotations

import math

from lab.html.figures import measured, number
from lab.html.svg import BAD, GOOD, GREY, UNSURE, WIDTH, box, line, picture, text
from lab.model.outcome import Outcome
from lab.report.records.criterion import Criterion
from lab.report.records.report import Readiness

LEFT, RIGHT, ROW, TOP = 178, 196, 40, 26
_PAINT: dict[Outcome, str] = {Outcome.MET: GOOD, Outcome.NOT_MET: BAD, Outcome.INFEASIBLE: BAD, Outcome.UNKNOWN: UNSURE}


def criteria_chart(report: Readiness) -> str:
    """Empty where nothing was measured."""
    measured = [each for each in report.criteria if each.kind == "technical" and each.value is not None and each.limit]
    if not measured:
        return ""
    height = TOP + ROW * len(measured) + 6
    target = _x(1.0)
    body = [
        text(target, 14, "target", anchor="middle", size=11.5, muted=True),
        line(target, 19, target, height - 6, faint=0.65, dashed=True),
    ]
    for index, each in enumerate(measured):
        body += _row(each, TOP + ROW * index)
    return picture("Success criteria against their targets", height, body)


def _row(each: Criterion, y: float) -> list[str]:
    assert each.value is not None and each.limit
    paint = _PAINT.get(each.state, GREY)
    share = each.value / each.limit
    said = f"{each.row}: {each.figure}, target {each.target}, {each.state}"
    parts = [
        text(LEFT - 12, y + 15, each.row, anchor="end", weight=600),
        text(LEFT - 12, y + 30, _name(each), anchor="end", size=11, muted=True),
        box(LEFT, y + 8, _x(share) - LEFT, 18, paint=paint, faint=0.85, title=said),
        text(WIDTH - RIGHT + 12, y + 16, measured(each.value, each.unit), weight=600),
        text(WIDTH - RIGHT + 12, y + 31, f"{each.state.lower()}, target {number(each.limit)}", size=11.5, muted=True),
    ]
    if each.low is not None and each.high is not None:
        low, high = _x(each.low / each.limit), _x(each.high / each.limit)
        parts += [line(low, y + 17, high, y + 17, wide=1.5), line(low, y + 12, low, y + 22, wide=1.5)]
        parts.append(line(high, y + 12, high, y + 22, wide=1.5))
    return parts


def _name(each: Criterion) -> str:
    return each.title if len(each.title) <= 26 else f"{each.title[:25]}…"


def _x(share: float) -> float:
    """A square-root scale up to four times the target: small figures stay visible, and large ones on the page."""
    room = WIDTH - LEFT - RIGHT
    return LEFT + room * min(1.0, math.sqrt(max(0.0, share)) / 2)
