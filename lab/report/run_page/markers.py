"""How each kind of event looks in the picture: a colour, and a shape for those who cannot tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.html.svg import HUES
from lab.report.run_page.events import Kind

Form = Literal["ring", "disc", "square", "diamond", "triangle", "cross", "bar"]


@dataclass(frozen=True, slots=True)
class Marker:
    """`colour` is any SVG paint; all of these keep 3:1 against white and against #14161a."""

    label: str
    colour: str
    form: Form


def _paint(hue: str) -> str:
    return f"var(--lab-{hue},{HUES[hue]})"


MARKERS: dict[Kind, Marker] = {
    "buffered": Marker("buffered", _paint("blue"), "ring"),
    "ready": Marker("ready", _paint("blue"), "disc"),
    "executed": Marker("executed", _paint("green"), "square"),
    "failed": Marker("not resolved", _paint("amber"), "triangle"),
    "reverted": Marker("reverted", _paint("red"), "cross"),
    "stop": Marker("emergency stop", _paint("red"), "square"),
    "admin": Marker("administration", _paint("grey"), "diamond"),
    "reorg": Marker("reorg", _paint("red"), "bar"),
    "fault": Marker("fault", _paint("amber"), "bar"),
    "submit": Marker("sent by relayer", _paint("violet"), "diamond"),
    "operation": Marker("call not ok", _paint("amber"), "cross"),
    "met": Marker("expected, met", _paint("green"), "disc"),
    "unmet": Marker("expected, unmet", _paint("red"), "cross"),
    "note": Marker("note", _paint("grey"), "bar"),
}


def shape(kind: Kind, x: float, y: float) -> str:
    """The mark, centred on (x, y), about ten units wide."""
    marker = MARKERS[kind]
    paint = f'fill="{marker.colour}"'
    if marker.form == "ring":
        return f'<circle cx="{x}" cy="{y}" r="4" fill="none" stroke="{marker.colour}" stroke-width="2"/>'
    if marker.form == "disc":
        return f'<circle cx="{x}" cy="{y}" r="5" {paint}/>'
    if marker.form == "square":
        return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" rx="1.5" {paint}/>'
    if marker.form == "diamond":
        return f'<path d="M{x} {y - 5.5:.1f}l5.5 5.5-5.5 5.5-5.5-5.5z" {paint}/>'
    if marker.form == "triangle":
        return f'<path d="M{x} {y - 5.5:.1f}l5.5 10h-11z" {paint}/>'
    if marker.form == "cross":
        return (
            f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8" fill="none" stroke="{marker.colour}" '
            'stroke-width="2.5" stroke-linecap="round"/>'
        )
    return f'<rect x="{x - 1.5:.1f}" y="{y - 7}" width="3" height="14" rx="1" {paint}/>'
