"""The page of a long load: its stretches, and memory, disk and figures as curves over all of them."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from lab.bounded_files import write_atomically
from lab.html import figures
from lab.html.charts import Line, chart
from lab.html.page import Pages
from lab.load.long.record import LongRecord, Stretch
from lab.load.long.summary import Whole
from lab.load.report.page import TEMPLATES

PAGE = "report.html"
# Figures of the criteria that are drawn one by one, with their units.
DRAWN = {
    "throughput": "a second",
    "inclusion": "ms",
    "cross-chain": "ms",
    "gas per transaction": "gas",
    "relayer's store, MiB": "MiB",
}


def write_page(record: LongRecord) -> Path:
    """Write it into the load's folder."""
    whole, pages = Whole(record), Pages(TEMPLATES)
    done = sorted(record.done.values(), key=lambda line: line.number)
    drawn = [name for name in dict.fromkeys(name for line in done for name in line.figures) if _unit(name) is not None]
    heads = ["stretch", "run", "outcome", "offered", "succeeded", "unexplained", "disk, MiB", *drawn]
    page = pages.render_page(
        "long.html.j2",
        styles=[pages.asset("base.css"), pages.asset("load.css")],
        name=str(record.order.profile.get("name", "load")),
        run_id=record.order.run_id,
        started=record.order.started,
        outcome=str(whole.outcome),
        lines=whole.lines(),
        heads=heads,
        rows=[_row(line, drawn) for line in record.lines if line.state != "begun"],
        charts=[plot for plot in _charts(done, drawn) if plot],
    )
    write_atomically(record.folder / PAGE, page)
    return record.folder / PAGE


def _unit(name: str) -> str | None:
    return next((unit for begin, unit in DRAWN.items() if name.startswith(begin)), None)


def _row(line: Stretch, drawn: list[str]) -> list[str]:
    counts = [f"{line.ledger.get(name, 0):,}" for name in ("offered", "succeeded", "unexplained_count")]
    values = [figures.number(line.figures[name]) if name in line.figures else "" for name in drawn]
    return [str(line.number), line.run, str(line.outcome), *counts, f"{line.disk_mib:,.0f}", *values]


def _charts(done: list[Stretch], drawn: list[str]) -> list[Markup]:
    if not done:
        return []
    begin = done[0].at
    points = [(round(point.at - begin, 1), point.memory_mib) for line in done for point in line.memory]
    parts = dict.fromkeys(name for _, values in points for name in values)
    memory = [Line(name, [(at, values.get(name)) for at, values in points]) for name in parts]
    ends = [(round(line.at - begin, 1), line) for line in done]
    disk = Line("folder and signed transactions", [(at, line.disk_mib) for at, line in ends])
    lines = {name: Line(name, [(at, line.figures.get(name)) for at, line in ends]) for name in drawn}
    return [
        chart("Memory", "MiB", memory),
        chart("Disk after each stretch", "MiB", [disk]),
        *(chart(name, _unit(name) or "", [line]) for name, line in lines.items()),
    ]
