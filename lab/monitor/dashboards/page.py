"""The dashboards of a recorded run as one offline page: the same panels and queries as Grafana's, drawn as SVG."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

from markupsafe import Markup

from lab.html.charts import Line, chart
from lab.html.page import Pages
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.timeline import AlertSpan, SeriesLog
from lab.monitor.dashboards.boards import boards
from lab.monitor.dashboards.panel import Panel
from lab.monitor.servers import Recorded

UNITS = {
    "short": "number",
    "s": "s",
    "percentunit": "share",
    "currencyUSD": "USD",
    "reqps": "1/s",
    "bool": "1: yes, 0: no",
}
GWEI, TOKEN, TOKENS_FROM = 1e9, 1e18, 1e15
FILE = "monitor.html"


@cache
def _pages() -> Pages:
    return Pages(Path(__file__).with_name("templates"))


def page(log: SeriesLog, alerts: Sequence[AlertSpan], run: str, recorded: Recorded, limits: Thresholds) -> str:
    """The whole page. `recorded` answers over the series of `log`."""
    pages = _pages()
    return pages.render_page(
        "monitor.html.j2",
        styles=[pages.asset("base.css"), pages.asset("monitor.css")],
        run=run,
        started=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(log.start_s)),
        length=f"{(log.count - 1) * log.interval_s} s",
        interval_s=log.interval_s,
        boards=[(board, [_figure(panel, recorded) for panel in board.panels]) for board in boards(limits)],
        alerts=[asdict(span) for span in alerts],
    )


def _figure(panel: Panel, recorded: Recorded) -> Markup:
    limit = panel.limit
    lines = _lines(panel.expr, panel.legend, recorded)
    limits = [replace(line, limit=True) for line in _lines(limit.expr, limit.legend, recorded)] if limit.expr else []
    unit, divisor = UNITS.get(panel.unit, panel.unit), 1.0
    if panel.unit == "wei":
        highest = max((y for line in lines for _, y in line.points if y is not None), default=0.0)
        unit, divisor = ("tokens", TOKEN) if highest >= TOKENS_FROM else ("gwei", GWEI)
    lines = [
        replace(line, points=[(x, None if y is None else y / divisor) for x, y in line.points])
        for line in (*lines, *limits)
    ]
    said = "good from here" if limit.good_above else "limit"
    words = Markup('<p class="muted">{}</p>').format(panel.description)
    drawn = chart(panel.title, unit, lines, limit=None if limit.value is None else (said, limit.value))
    if not drawn:
        caption = Markup("<figcaption>{}</figcaption>").format(panel.title)
        return Markup('<figure class="panel plot">{}<p>No value in this run.</p>{}</figure>').format(caption, words)
    return Markup(str(drawn).removesuffix("</figure>") + str(words) + "</figure>")


def _lines(expr: str, legend_of: str, recorded: Recorded) -> list[Line]:
    """A line for each series; samples without a value are gaps."""
    moments = range(recorded.start_s, recorded.end_s + 1, recorded.step_s)
    lines = []
    for labels, points in recorded.over_time(expr).items():
        known = {round(at): value for at, value in points if not math.isnan(value)}
        legend = legend_of
        for name, text in labels:
            legend = legend.replace(f"{{{{{name}}}}}", text)
        lines.append(Line(legend, [(at - recorded.start_s, known.get(at)) for at in moments]))
    return sorted(lines, key=lambda line: line.label)
