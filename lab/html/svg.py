"""The few shapes that charts and pictures are made of, and their colours: inline SVG, every text escaped.

Colours are presentation attributes, as the policy of the pages admits no styles: a CSS variable with a fallback.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from lab.html.text import clean

WIDTH = 580
# Hues that keep 3:1 against white and against #14161a, for paper and for pictures that stand on any page.
HUES = {
    "blue": "#3b82f6",
    "green": "#16a34a",
    "amber": "#d97706",
    "violet": "#8b5cf6",
    "red": "#ef4444",
    "cyan": "#0891b2",
    "pink": "#be185d",
    "grey": "#7b818c",
}


def paint(hue: str) -> str:
    """A colour for `fill` and `stroke`: the page's own shade of a hue, for its light or dark mode, where it has one."""
    return f"var(--lab-{hue},{HUES[hue]})"


GOOD, BAD, UNSURE, BLUE, GREY, VIOLET = map(paint, ("green", "red", "amber", "blue", "grey", "violet"))
Scale = Callable[[float], float]


def linear(first: float, last: float, start: float, end: float) -> Scale:
    """Places for values: `first` at `start`, `last` at `end`, the others between."""
    return lambda value: start + (end - start) * (value - first) / (last - first)


def picture(label: str, height: float, body: Iterable[str], *, width: int = WIDTH) -> str:
    """A whole `<svg>` element with a name for those who cannot see it."""
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(clean(label, 300))} '
        f'viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" font-family="system-ui, sans-serif" '
        f'font-size="12.5" fill="currentColor">{"".join(body)}</svg>'
    )


def text(
    x: float,
    y: float,
    content: str,
    *,
    anchor: str = "start",
    size: float = 12.5,
    muted: bool = False,
    weight: int = 400,
    title: str = "",
) -> str:
    """A line of text, its baseline at y, with a hover text."""
    shade = ' fill-opacity=".72"' if muted else ""
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"{shade}{bold}>'
        f"{escape(clean(content, 60))}{_hover(title)}</text>"
    )


class Stroke(NamedTuple):
    """How a line is drawn."""

    colour: str = "currentColor"
    wide: float = 1
    faint: float = 1
    dashes: str = ""

    def __str__(self) -> str:
        """As the attributes of an element."""
        dash = f' stroke-dasharray="{self.dashes}"' if self.dashes else ""
        return f'stroke="{self.colour}" stroke-width="{self.wide:g}" stroke-opacity="{self.faint:g}"{dash}'


DASHED = "4 3"
# Of grids, behind what is drawn.
FAINT = Stroke(faint=0.12)


def line(x1: float, y1: float, x2: float, y2: float, stroke: Stroke, title: str = "") -> str:
    """A straight line, with a hover text."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {stroke}>{_hover(title)}</line>'


def grid(x: Scale, ticks: Iterable[tuple[float, str]], top: float, height: float) -> list[str]:
    """Faint vertical lines from `top` down, each with its label ("" for none) at the foot of the picture."""
    parts = []
    for value, label in ticks:
        parts.append(line(x(value), top - 6, x(value), height - 22, FAINT))
        if label:
            parts.append(text(x(value), height - 8, label, anchor="middle", size=11.5, muted=True))
    return parts


def target(x: float, label: str, top: float, bottom: float) -> list[str]:
    """A dashed vertical line with its label above."""
    return [
        line(x, top - 8, x, bottom, Stroke(faint=0.8, dashes=DASHED)),
        text(x, 14, label, anchor="middle", size=11.5, muted=True),
    ]


def box(
    x: float, y: float, wide: float, high: float, *, colour: str, faint: float = 1, title: str = "", round_: float = 3
) -> str:
    """A filled rectangle, with a hover text."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, wide):.1f}" height="{high:.1f}" rx="{round_:g}" '
        f'fill="{colour}" fill-opacity="{faint:.2f}">{_hover(title)}</rect>'
    )


def dot(x: float, y: float, *, colour: str, title: str = "", radius: float = 4.5, hollow: bool = False) -> str:
    """A disc or a ring, with a hover text."""
    look = f'fill="none" stroke="{colour}" stroke-width="2"' if hollow else f'fill="{colour}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {look}>{_hover(title)}</circle>'


def curve(places: Sequence[tuple[float, float]], stroke: Stroke) -> str:
    """A line through places."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline points="{path}" fill="none" {stroke}/>'


def _hover(title: str) -> str:
    return f"<title>{escape(clean(title, 300))}</title>" if title else ""
