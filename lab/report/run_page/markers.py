"""How each kind of event looks in the picture: a colour, and a shape for those who cannot tell colours apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.html.svg import HUES
from lab.report.run_page.events import Kind

Form = Literal["ring", "disc", "square", "diamond", "triangle", "cross", "bar"]


@dataclass(frozen=True, slots=True)
class Mark:
    """`colour` is any SVG paint; all of these keep 3:1 against white and against #14161a."""

    label: str
    colour: str
    form: Form


def _paint(hue: str) -> str:
    return f"var(--lab-{hue},{HUES[hue]})"


MARKS: dict[Kind, Mark] = {
    "buffered": Mark("buffered", _paint("blue"), "ring"),
    "ready": Mark("ready", _paint("blue"), "disc"),
    "executed": Mark("executed", _paint("green"), "square"),
    "failed": Mark("not resolved", _paint("amber"), "triangle"),
    "reverted": Mark("reverted", _paint("red"), "cross"),
    "stop": Mark("emergency stop", _paint("red"), "square"),
    "admin": Mark("administration", _paint("grey"), "diamond"),
    "reorg": Mark("reorg", _paint("red"), "bar"),
    "fault": Mark("fault", _paint("amber"), "bar"),
    "submit": Mark("sent by relayer", _paint("violet"), "diamond"),
    "operation": Mark("call not ok", _paint("amber"), "cross"),
    "met": Mark("expected, met", _paint("green"), "disc"),
    "unmet": Mark("expected, unmet", _paint("red"), "cross"),
    "note": Mark("note", _paint("grey"), "bar"),
}


def shape(kind: Kind, x: float, y: float) -> str:
    """The mark, centred on (x, y), about ten units wide."""
    mark = MARKS[kind]
    paint = f'fill="{mark.colour}"'
    if mark.form == "ring":
        return f'<circle cx="{x}" cy="{y}" r="4" fill="none" stroke="{mark.colour}" stroke-width="2"/>'
    if mark.form == "disc":
        return f'<circle cx="{x}" cy="{y}" r="5" {paint}/>'
    if mark.form == "square":
        return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" rx="1.5" {paint}/>'
    if mark.form == "diamond":
        return f'<path d="M{x} {y - 5.5:.1f}l5.5 5.5-5.5 5.5-5.5-5.5z" {paint}/>'
    if mark.form == "triangle":
        return f'<path d="M{x} {y - 5.5:.1f}l5.5 10h-11z" {paint}/>'
    if mark.form == "cross":
        return (
            f'<path d="M{x - 4:.1f} {y - 4:.1f}l8 8m0-8l-8 8" fill="none" stroke="{mark.colour}" '
            'stroke-width="2.5" stroke-linecap="round"/>'
        )
    return f'<rect x="{x - 1.5:.1f}" y="{y - 7}" width="3" height="14" rx="1" {paint}/>'
