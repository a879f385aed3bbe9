"""Writes a readiness report: one page, one JSON file, one Markdown summary, and JUnit."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from lab.bounded_files import read_model
from lab.evidence.folder import write_atomically
from lab.html.text import relative_link
from lab.report.evidence.signature import REPORT, SignatureView, read_signature
from lab.report.readiness_page.charts import charts
from lab.report.readiness_page.junit import junit
from lab.report.readiness_page.markdown import readiness_markdown
from lab.report.readiness_page.pages import readiness_pages
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict


def write_readiness(readiness: Readiness, out: Path, *, results: Path | None = None) -> Path:
    """Write the page, readiness.json, readiness.md and readiness.junit.xml into `out`; returns the path of the page.

    `results` is the results folder that evidence is named in, by default the parent of `out`. A signature that is
    already there is shown on the page: valid, or void since the report is another one now.
    """
    up = relative_link(results if results is not None else out.parent, out)
    index = out / "index.html"
    write_atomically(out / REPORT, readiness.model_dump_json(indent=2, by_alias=True) + "\n")
    signature = read_signature(out)
    write_atomically(index, readiness_page(readiness, up, signature))
    write_atomically(out / "readiness.md", readiness_markdown(readiness, signature))
    write_atomically(out / "readiness.junit.xml", junit(readiness))
    return index


def write_page_again(out: Path) -> Path:
    """The page and the summary of a report that is there already, with its signature as it is now."""
    readiness = read_model(out / REPORT, Readiness)
    signature = read_signature(out)
    index = out / "index.html"
    write_atomically(index, readiness_page(readiness, "..", signature))
    write_atomically(out / "readiness.md", readiness_markdown(readiness, signature))
    return index


def readiness_page(readiness: Readiness, up: str = "..", signature: SignatureView | None = None) -> str:
    """The page as text. `up` leads from the page to the results folder."""
    sections = [(title, list(rows)) for title, rows in groupby(readiness.rows, key=lambda row: row.section)]
    pages = readiness_pages()
    return pages.render_page(
        "readiness.html.j2",
        styles=[pages.asset("base.css"), pages.asset("readiness.css")],
        script=pages.asset("readiness.js"),
        report=readiness,
        sections=sections,
        charts=charts(readiness),
        signature=signature,
        known={row.id for row in readiness.rows},
        tops=list(dict.fromkeys(title.split(" > ")[0] for title, _ in sections)),
        verdicts=[verdict for verdict in RowVerdict if verdict in readiness.counts],
        link=lambda folder, name="": f"{up}/{quote(folder, safe='/')}" + (f"/{quote(name, safe='/')}" if name else ""),
    )
