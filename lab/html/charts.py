"""Line charts: axes, a legend, one curve a series; each curve's range in its tooltip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from markupsafe import Markup

from lab.html import svg

WIDTH, HEIGHT = 560, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 30
COLOURS = tuple(map(svg.paint, svg.HUES))
DASHES = ("", "6 3", "2 3", "8 3 2 3")
POINTS_MAX = 400
LIMIT = svg.Stroke(faint=0.6, dashes=svg.DASHED)
# A limit this many times higher than what there is leaves the curves readable.
REACH = 20
# Labels of limits that are closer to each other than this, in pixels, stand as one; longer ones are left to the legend.
LABEL_HEIGHT, LABEL_LETTERS = 12, 80
QUARTERS = (0, 0.25, 0.5, 0.75, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A series of (seconds, value); None leaves a gap. A `limit` is drawn dashed and grey, its label at its end."""

    label: str
    points: Sequence[tuple[float, float | None]]
    limit: bool = False


def chart(title: str, unit: str, lines: Sequence[Line], *, limit: tuple[str, float] | None = None) -> Markup:
    """A figure with its caption; empty where no line but limits has a point.

    `limit` is drawn as a labelled horizontal line; limits too far above what they limit are named without being drawn.
    """
    drawn = [line for line in lines if any(y is not None for _, y in line.points)]
    if all(line.limit for line in drawn):
        return Markup("")
    highest = max(_highest(line) for line in drawn if not line.limit)
    heights = [_highest(line) for line in drawn if line.limit]
    heights += [limit[1]] if limit else []
    top = nice(max([highest, *(height for height in heights if height <= REACH * highest or highest <= 0)]) or 1)
    begin = min(0.0, *(x for line in drawn for x, _ in line.points))
    end = max(x for line in drawn for x, _ in line.points) or 1
    across = svg.linear(begin, max(end, begin + 1e-9), LEFT, WIDTH - RIGHT)
    up = svg.linear(0, top, HEIGHT - BOTTOM, TOP)
    body = [*_axes(top, begin, end, across, up)]
    if limit and limit[1] <= top:
        y = up(limit[1])
        body.append(svg.text(WIDTH - RIGHT, y - 4, limit[0], anchor="end", size=11, muted=True))
        body.append(svg.line(LEFT, y, WIDTH - RIGHT, y, LIMIT))
    elif limit:
        words = f"{limit[0]} above this scale: {short(limit[1])}"
        body.append(svg.text(WIDTH - RIGHT, TOP + 10, words, anchor="end", size=11, muted=True))
    looks = [LIMIT if line.limit else _look(index) for index, line in enumerate(drawn)]
    for look, line in zip(looks, drawn, strict=True):
        if not line.limit or _highest(line) <= top:
            body += _curves(look, line, across, up)
    body += _limit_labels([line for line in drawn if line.limit and _highest(line) <= top], up)
    legend = "".join(
        f"<li>{_key(look)} {escape(line.label)}{'' if _highest(line) <= top else _above(line)}</li>"
        for look, line in zip(looks, drawn, strict=True)
    )
    return Markup(
        f'<figure class="panel plot"><figcaption>{escape(title)} <span class="muted">({escape(unit)})</span>'
        f'</figcaption>{svg.picture(title, HEIGHT, body, width=WIDTH)}<ul class="legend">{legend}</ul></figure>'
    )


def _highest(line: Line) -> float:
    return max(y for _, y in line.points if y is not None)


def _above(line: Line) -> str:
    return f", above this scale: {short(_highest(line))}"


def nice(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below the value."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * 0.9999)


def _axes(top: float, begin: float, end: float, across: svg.Scale, up: svg.Scale) -> Iterator[str]:
    for share in QUARTERS:
        y, moment = up(top * share), begin + (end - begin) * share
        yield svg.text(LEFT - 6, y + 4, short(top * share), anchor="end", size=11, muted=True)
        yield svg.line(LEFT, y, WIDTH - RIGHT, y, svg.FAINT)
        # There is no room for half of the last one.
        anchor = "end" if share == 1 else "middle"
        yield svg.text(across(moment), HEIGHT - BOTTOM + 18, f"{short(moment)} s", anchor=anchor, size=11, muted=True)


def _curves(stroke: svg.Stroke, line: Line, across: svg.Scale, up: svg.Scale) -> Iterator[str]:
    """One curve for each stretch without a gap, under a tooltip of their own."""
    values = [y for _, y in line.points if y is not None]
    yield f"<g><title>{escape(f'{line.label}: {short(min(values))} to {short(max(values))}')}</title>"
    stretch: list[tuple[float, float]] = []
    for x, y in [*line.points[:: max(1, len(line.points) // POINTS_MAX)], (0, None)]:
        if y is not None:
            stretch.append((across(x), up(y)))
        elif stretch:
            yield svg.curve(stretch, stroke)
            stretch = []
    yield "</g>"


def _limit_labels(limits: Sequence[Line], up: svg.Scale) -> Iterator[str]:
    """The label of each at the height where it ends, from the lowest up."""
    ends = sorted((-up(next(y for _, y in reversed(line.points) if y is not None)), line.label) for line in limits)
    while ends:
        lowest = ends[0][0]
        near = [label for height, label in ends if height - lowest < LABEL_HEIGHT]
        ends = ends[len(near) :]
        label = ", ".join(sorted(set(near)))
        if len(label) <= LABEL_LETTERS:
            yield svg.text(WIDTH - RIGHT, -lowest - 4, label, anchor="end", size=11, muted=True)


def _look(index: int) -> svg.Stroke:
    dashes = DASHES[index // len(COLOURS) % len(DASHES)] or DASHES[index % 2]
    return svg.Stroke(COLOURS[index % len(COLOURS)], 2, dashes=dashes)


def _key(stroke: svg.Stroke) -> str:
    curve = svg.curve([(0, 4), (22, 4)], stroke)
    return f'<svg width="22" height="8" aria-hidden="true">{curve}</svg>'


def short(value: float) -> str:
    """A figure as an axis shows it: `1.2k`, `0.05`."""
    for limit, divisor, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
