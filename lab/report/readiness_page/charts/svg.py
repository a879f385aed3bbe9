"""The few shapes that charts are made of. Paints are presentation attributes, as the page's policy admits no styles."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from lab.html.text import clean

WIDTH = 580
GOOD, BAD, UNSURE, BLUE, GREY = (
    f"var(--chart-{name},{fallback})"
    for name, fallback in (
        ("good", "#1a7f4b"), ("bad", "#c4372b"), ("unsure", "#b26a00"), ("blue", "#3b6fd4"), ("grey", "#7b818c")
    )
)  # fmt: skip


def picture(label: str, height: float, body: Iterable[str], *, width: int = WIDTH) -> str:
    """A whole `<svg>` element with a name for those who cannot see it."""
    return (
        f'<svg class="chart" xmlns="http://www.w3.org/2000/svg" role="img" aria-label={quoteattr(clean(label, 300))} '
        f'viewBox="0 0 {width} {height:g}" width="{width}" height="{height:g}" font-family="system-ui, sans-serif" '
        f'font-size="12.5" fill="currentColor">{"".join(body)}</svg>'
    )


def text(
    x: float, y: float, content: str, *, anchor: str = "start", size: float = 12.5, muted: bool = False,
    weight: int = 400, limit: int = 60,
) -> str:  # fmt: skip
    """A line of text, its baseline at y."""
    shade = ' fill-opacity=".72"' if muted else ""
    bold = f' font-weight="{weight}"' if weight != 400 else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"{shade}{bold}>'
        f"{escape(clean(content, limit))}</text>"
    )


def line(
    x1: float,
    y1: float,
    x2: float,
    y2: float,
    *,
    paint: str = "currentColor",
    wide: float = 1,
    faint: float = 1,
    dashed: bool = False,
) -> str:
    """A straight line."""
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{paint}" stroke-width="{wide:g}" '
        f'stroke-opacity="{faint:g}"{dash}/>'
    )


def box(
    x: float, y: float, wide: float, high: float, *, paint: str, faint: float = 1, title: str = "", round_: float = 3
) -> str:
    """A filled rectangle, with a hover text."""
    hover = f"<title>{escape(clean(title, 300))}</title>" if title else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(0.0, wide):.1f}" height="{high:.1f}" rx="{round_:g}" '
        f'fill="{paint}" fill-opacity="{faint:.2f}">{hover}</rect>'
    )


def dot(x: float, y: float, *, paint: str, title: str = "", radius: float = 4.5, hollow: bool = False) -> str:
    """A disc or a ring, with a hover text."""
    hover = f"<title>{escape(clean(title, 300))}</title>" if title else ""
    look = f'fill="none" stroke="{paint}" stroke-width="2"' if hollow else f'fill="{paint}"'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {look}>{hover}</circle>'
