"""Writes a readiness report: one page, one JSON file, one Markdown summary, and JUnit."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from lab.evidence.folder import write_atomically
from lab.html.text import relative_link
from lab.report.evidence.signature import REPORT, SignatureView, read_signature
from lab.report.judge.decision import counts_of
from lab.report.readiness_page.charts import charts
from lab.report.readiness_page.junit import junit
from lab.report.readiness_page.markdown import readiness_markdown
from lab.report.readiness_page.pages import readiness_pages
from lab.report.records.report import Readiness, read_readiness


def write_readiness(readiness: Readiness, out: Path, *, results: Path | None = None) -> Path:
    """Write the page, readiness.json, readiness.md and readiness.junit.xml into `out`; returns the path of the page.

    `results` is the results folder that evidence is named in, by default the parent of `out`. A signature that is
    already there is shown on the page: valid, or void since the report is another one now.
    """
    write_atomically(out / REPORT, readiness.model_dump_json(indent=2, by_alias=True) + "\n")
    write_atomically(out / "readiness.junit.xml", junit(readiness))
    return _write_pages(readiness, out, relative_link(results if results is not None else out.parent, out))


def write_page_again(out: Path) -> Path:
    """The page and the summary of a report that is there already, with its signature as it is now."""
    return _write_pages(read_readiness(out / REPORT), out, "..")


def _write_pages(readiness: Readiness, out: Path, up: str) -> Path:
    """What shows the signature; returns the page."""
    signature = read_signature(out)
    write_atomically(out / "readiness.md", readiness_markdown(readiness, signature))
    write_atomically(out / "index.html", readiness_page(readiness, up, signature))
    return out / "index.html"


def readiness_page(readiness: Readiness, up: str = "..", signature: SignatureView | None = None) -> str:
    """The page as text. `up` leads from the page to the results folder."""
    sections = [(title, list(rows)) for title, rows in groupby(readiness.rows, key=lambda row: row.section)]
    rows_by_id = {row.id: row for row in readiness.rows}
    pages = readiness_pages()
    return pages.render_page(
        "readiness.html.j2",
        styles=[pages.asset("base.css"), pages.asset("readiness.css")],
        script=pages.asset("readiness.js"),
        report=readiness,
        sections=sections,
        charts=charts(readiness),
        signature=signature,
        known=rows_by_id.keys(),
        now=lambda step: counts_of(rows_by_id[row] for row in step.rows),
        tops=list(dict.fromkeys(title.split(" > ")[0] for title, _ in sections)),
        verdicts=list(readiness.counts),
        link=lambda folder, name="": f"{up}/{quote(folder, safe='/')}" + (f"/{quote(name, safe='/')}" if name else ""),
    )
