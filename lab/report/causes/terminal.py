"""Causes for a terminal: a dozen lines for each, some dozens for all; the page has the rest."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from lab.html.text import clean, plural, seconds, some
from lab.model.verdict import Verdict
from lab.report.records.cause import Cause, CauseReport
from lab.report.run_page.relayer_log import EMPTY_LOG

CAUSE_LINES_MAX, LINES_MAX, WIDTH = 12, 40, 120
EVENTS, LOG_LINES, ITEMS, ROWS = 3, 2, 3, 8


def causes_text(report: CauseReport, *, everything: bool = False) -> list[str]:
    """The lines: at most LINES_MAX, and CAUSE_LINES_MAX for a cause, unless `everything` is asked for."""
    if not report.causes:
        return []
    room = (1 << 30) if everything else LINES_MAX - 1
    lines: list[str] = []
    for number, cause in enumerate(report.causes, 1):
        block = ["", *_block(number, cause, everything=everything)]
        # One line is kept for what is left out.
        if len(lines) + len(block) >= room:
            left = report.causes[number - 1 :]
            lines += _short(number, left, room - len(lines))
            break
        lines += block
    return [report.head, *lines]


def _short(number: int, causes: Sequence[Cause], room: int) -> list[str]:
    """A line for each of the rest, as far as there is room."""
    lines = [
        f"{place}. {clean(_head(cause), 80)}  {plural(len(cause.runs), 'run')}  {cause.shown_by.item}"
        for place, cause in enumerate(causes, number)
    ]
    if len(lines) > room - 1:
        lines = [*lines[: max(0, room - 2)], f"and {plural(len(lines) - max(0, room - 2), 'more cause')}, on the page"]
    return ["", *lines] if lines else []


def _block(number: int, cause: Cause, *, everything: bool) -> list[str]:
    """A relayer's words go first where it is too long, then events, the farthest first; its command stays.

    Where no function is to blame one line of its words is worth more than any event.
    """
    if everything:
        return _lines(number, cause, len(cause.events), len(cause.relayer_log), everything=True)
    kept = 0 if cause.function or cause.relayer_log in ((), (EMPTY_LOG,)) else 1
    room = [(EVENTS, log) for log in range(LOG_LINES, kept, -1)]
    room += [(events, kept) for events in range(EVENTS, -1, -1)]
    lines: list[str] = []
    for events, log in [*room, (0, 0)]:
        lines = _lines(number, cause, events, log, everything=False)
        if len(lines) < CAUSE_LINES_MAX:
            return lines
    return [*lines[: CAUSE_LINES_MAX - 2], lines[-1]]


def _lines(number: int, cause: Cause, events: int, log: int, *, everything: bool) -> list[str]:
    demand = f": {cause.demand}" if cause.demand else ""
    lines = [f"{number}. {_head(cause)}{demand}"]
    lines += _wrapped(cause.deviation.removeprefix(cause.title).lstrip(":; "), 3)
    if cause.source is not None:
        quoted = f" | {cause.source.text}" if cause.source.text else ""
        lines.append(f"   {cause.source.place}{quoted}"[:WIDTH])
    if cause.documented:
        lines += _wrapped(f"{cause.layer}: {cause.documented}", 1)
    when = f" at {seconds(cause.shown_by.t_ms)}" if cause.shown_by.t_ms is not None else ""
    lines.append(f"   shown by {cause.shown_by.item}{when}, {cause.shown_by.folder}")
    lines += [f"     {event}"[:WIDTH] for event in _events(cause, events)]
    lines += [f"     relayer: {line}"[:WIDTH] for line in cause.relayer_log[max(0, len(cause.relayer_log) - log) :]]
    lines += _runs(cause, everything=everything)
    if cause.follows:
        lines += _wrapped(f"with it: {some(cause.follows, len(cause.follows) if everything else 3)}", 1)
    return [*lines, *_command(cause)]


def _head(cause: Cause) -> str:
    """The title; a check's id stands beside the verdict, where scripts look for it, as in the text of one failure."""
    if cause.kind != "check":
        return cause.title
    check, _, name = cause.title.partition(" ")
    return f"{check} {cause.shown_by.verdict} {name}".rstrip()


def _command(cause: Cause) -> list[str]:
    return [f"   {cause.command}"] if cause.command else []


def _runs(cause: Cause, *, everything: bool) -> list[str]:
    """What it takes down."""
    names = [run.item for run in cause.runs]
    rows = f"; rows {some(cause.rows, len(cause.rows) if everything else ROWS)}" if cause.rows else ""
    stops = cause.kind == "operation" or (cause.kind == "relayer" and cause.shown_by.verdict is Verdict.UNKNOWN)
    verb = "keeps from running, UNKNOWN without `--go-on`:" if stops else "fails"
    fails = f"{verb} {plural(len(names), 'run')}"
    return _wrapped(f"{fails}: {some(names, len(names) if everything else ITEMS)}{rows}", 1 << 30 if everything else 2)


def _events(cause: Cause, count: int) -> list[str]:
    """The nearest to the deviation, in their order."""
    return [
        clean(f"{seconds(event.t_ms)}  {event.chain}  {event.text}".replace("    ", "  "), WIDTH)
        for event in cause.events
        if event.nearness < count
    ]


def _wrapped(text: str, lines: int) -> list[str]:
    """At most so many lines; what is cut is marked."""
    wrapped = textwrap.wrap(clean(text, 2_000), WIDTH - 3, break_long_words=False, break_on_hyphens=False)
    if len(wrapped) > lines:
        wrapped = [*wrapped[: lines - 1], f"{wrapped[lines - 1][: WIDTH - 6]} …"]
    return [f"   {line}" for line in wrapped]
