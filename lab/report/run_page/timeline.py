"""The cross-chain time line of a run as a few lines for a terminal; its picture is in `timeline_svg.py`."""

from __future__ import annotations

from collections.abc import Collection

from lab.html.text import clean, seconds
from lab.model.history import History
from lab.report.run_page.events import Event, events


def timeline_text(
    history: History, *, around_ms: int | None = None, chains: Collection[str] | None = None, limit: int = 25
) -> str:
    """One line for each event: time, chain, what. `chains` keeps events of these chains and those of none.

    At most `limit` events: the nearest to `around_ms`, or else the first and the last ones. What is left out is said.
    """
    happened = [event for event in events(history) if chains is None or event.chain is None or event.chain in chains]
    if not happened:
        return "  (nothing happened)"
    if around_ms is None:
        first = happened[: limit // 2] if len(happened) > limit else happened
        last = happened[len(happened) - (limit - len(first)) :] if len(happened) > limit else []
    else:
        nearest = sorted(range(len(happened)), key=lambda index: (abs(happened[index].t_ms - around_ms), index))[:limit]
        first, last = [happened[index] for index in sorted(nearest)], []
    wide = max(len(clean(event.chain or "", 24)) for event in first + last)
    lines = [_line(event, wide) for event in first]
    left_out = len(happened) - len(first) - len(last)
    if left_out:
        lines.append(f"  … {left_out} more events")
    return "\n".join(lines + [_line(event, wide) for event in last])


def _line(event: Event, wide: int) -> str:
    orphaned = " (orphaned)" if event.orphaned else ""
    return f"  {seconds(event.t_ms):>12}  {clean(event.chain or '', 24):<{wide}}  {event.text}{orphaned}"
