"""Writes a readiness report: one page, one JSON file, one Markdown summary."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.evidence.folder import write_atomically
from lab.html.text import relative_link
from lab.report.html import asset, render_page
from lab.report.readiness_markdown import readiness_markdown
from lab.report.verdicts import Readiness, RowVerdict

SCHEMA = Path(__file__).with_name("readiness.schema.json")


def write_readiness(readiness: Readiness, out: Path, *, results: Path | None = None) -> Path:
    """Write index.html, readiness.json and readiness.md into `out`; returns the path of the page.

    `results` is the results folder that evidence is named in, by default the parent of `out`.
    """
    up = relative_link(results if results is not None else out.parent, out)
    index = out / "index.html"
    write_atomically(index, readiness_page(readiness, up))
    write_atomically(out / "readiness.json", readiness.model_dump_json(indent=2, by_alias=True) + "\n")
    write_atomically(out / "readiness.md", readiness_markdown(readiness))
    return index


def readiness_page(readiness: Readiness, up: str = "..") -> str:
    """The page as text. `up` leads from the page to the results folder."""
    sections = [(title, list(rows)) for title, rows in groupby(readiness.rows, key=lambda row: row.section)]
    return render_page(
        "readiness.html.j2",
        styles=[asset("base.css"), asset("readiness.css")],
        script=asset("readiness.js"),
        report=readiness,
        sections=sections,
        known={row.id for row in readiness.rows},
        tops=list(dict.fromkeys(title.split(" > ")[0] for title, _ in sections)),
        verdicts=[verdict for verdict in RowVerdict if verdict in readiness.counts],
        link=lambda folder, name="": f"{up}/{quote(folder, safe='/')}/{name}",
    )


def readiness_schema() -> dict[str, Any]:
    """The JSON schema of readiness.json, as committed in readiness.schema.json."""
    return Readiness.model_json_schema(mode="serialization")


def schema_text() -> str:
    """The committed file's content."""
    return json.dumps(readiness_schema(), indent=2, sort_keys=True) + "\n"
