"""How each kind of event looks in the picture: a colour, and a shape for those who cannot tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.html.svg import BAD, BLUE, GOOD, GREY, UNSURE, VIOLET
from lab.report.run_page.events import Kind

Form = Literal["ring", "disc", "square", "diamond", "triangle", "cross", "bar"]


@dataclass(frozen=True, slots=True)
class Marker:
    """`colour` is any SVG paint; all of these keep 3:1 against white and against #14161a."""

    label: str
    colour: str
    form: Form


MARKERS: dict[Kind, Marker] = {
    "buffered": Marker("buffered", BLUE, "ring"),
    "ready": Marker("ready", BLUE, "disc"),
    "executed": Marker("executed", GOOD, "square"),
    "failed": Marker("not resolved", UNSURE, "triangle"),
    "reverted": Marker("reverted", BAD, "cross"),
    "stop": Marker("emergency stop", BAD, "square"),
    "admin": Marker("administration", GREY, "diamond"),
    "reorg": Marker("reorg", BAD, "bar"),
    "fault": Marker("fault", UNSURE, "bar"),
    "submit": Marker("sent by relayer", VIOLET, "diamond"),
    "operation": Marker("call not ok", UNSURE, "cross"),
    "met": Marker("expected, met", GOOD, "disc"),
    "unmet": Marker("expected, unmet", BAD, "cross"),
    "note": Marker("note", GREY, "bar"),
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
