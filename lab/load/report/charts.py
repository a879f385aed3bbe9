"""Line charts as inline SVG, without script: axes, a legend, one line a series; each point's value in its tooltip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from markupsafe import Markup

WIDTH, HEIGHT = 560, 230
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 30
COLOURS = ("#3b82f6", "#16a34a", "#d97706", "#8b5cf6", "#ef4444", "#0891b2", "#be185d", "#7b818c")
DASHES = ("", "6 3", "2 3", "8 3 2 3")
POINTS_MAX = 400

Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """A series of (seconds, value); None leaves a gap."""

    label: str
    points: Sequence[tuple[float, float | None]]


def chart(title: str, unit: str, lines: Sequence[Line], *, limit: tuple[str, float] | None = None) -> Markup:
    """A figure with its caption; empty where no line has a point. `limit` is drawn as a labelled horizontal line."""
    drawn = [line for line in lines if any(y is not None for _, y in line.points)]
    if not drawn:
        return Markup("")
    values = [y for line in drawn for _, y in line.points if y is not None]
    top = nice(max([*values, limit[1]] if limit and limit[1] <= 3 * max(values) else values) or 1)
    end = max(x for line in drawn for x, _ in line.points) or 1
    begin = min(0.0, min(x for line in drawn for x, _ in line.points))

    def at(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - begin) / (end - begin or 1) * (WIDTH - LEFT - RIGHT)
        return round(across, 1), round(HEIGHT - BOTTOM - y / top * (HEIGHT - TOP - BOTTOM), 1)

    parts = [_axes(top, begin, end, at)]
    if limit and limit[1] <= top:
        x, y = at(begin, limit[1])
        label = f'<text x="{WIDTH - RIGHT}" y="{y - 4}" text-anchor="end" class="tick">{escape(limit[0])}</text>'
        parts.append(f'<line x1="{x}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="limit"/>{label}')
    parts += [_path(index, line, at) for index, line in enumerate(drawn)]
    legend = "".join(
        f'<li><svg width="22" height="8" aria-hidden="true"><line x1="0" x2="22" y1="4" y2="4" {_stroke(i)}/></svg> '
        f"{escape(line.label)}</li>"
        for i, line in enumerate(drawn)
    )
    return Markup(
        f'<figure class="chart"><figcaption>{escape(title)} <span class="muted">({escape(unit)})</span></figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">'
        f'{"".join(parts)}</svg><ul class="legend">{legend}</ul></figure>'
    )


def nice(value: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is not below the value."""
    power = 10 ** math.floor(math.log10(value)) if value > 0 else 1
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * 0.9999)


def _axes(top: float, begin: float, end: float, at: Place) -> str:
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        x, y = at(begin, top * share)
        label = f'<text x="{x - 6}" y="{y + 4}" text-anchor="end" class="tick">{short(top * share)}</text>'
        parts.append(f'<line x1="{x}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="grid"/>{label}')
    for share in (0, 0.25, 0.5, 0.75, 1):
        moment = begin + (end - begin) * share
        x, y = at(moment, 0)
        parts.append(f'<text x="{x}" y="{y + 18}" text-anchor="middle" class="tick">{short(moment)} s</text>')
    return "".join(parts)


def _path(index: int, line: Line, at: Place) -> str:
    step = max(1, len(line.points) // POINTS_MAX)
    commands, pen_down = [], False
    for x, y in line.points[::step]:
        if y is None:
            pen_down = False
            continue
        across, up = at(x, y)
        commands.append(f"{'L' if pen_down else 'M'}{across} {up}")
        pen_down = True
    told = [y for _, y in line.points if y is not None]
    title = f"{line.label}: {short(min(told))} to {short(max(told))}"
    return f'<path d="{"".join(commands)}" fill="none" {_stroke(index)}><title>{escape(title)}</title></path>'


def _stroke(index: int) -> str:
    dash = DASHES[index // len(COLOURS) % len(DASHES)] or DASHES[index % 2]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'stroke="{COLOURS[index % len(COLOURS)]}" stroke-width="1.8"{dashed}'


def short(value: float) -> str:
    """A figure as an axis shows it: `1.2k`, `0.05`."""
    for limit, divisor, suffix in ((1e9, 1e9, "G"), (1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= limit:
            return f"{value / divisor:.3g}{suffix}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
