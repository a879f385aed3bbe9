"""The written report: valid against its schema, self-contained, harmless, and with every row to link to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import jsonschema

from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.readiness_page.files import write_readiness
from lab.report.records.report import Readiness
from lab.report.schemas import FOLDER, READINESS

from ..fakes import CONTRACT, HOSTILE, NOW, FakeFolder, readiness, run, verdict, write
from ..run_page.test_page import Links

CATALOGUE = load_catalogue()


def report(*folders: FakeFolder) -> Readiness:
    """A report of the real checklist."""
    return readiness(CATALOGUE, folders, contract_sha256=CONTRACT, generated=NOW)


def written(tmp_path: Path, *folders: FakeFolder) -> str:
    """The page as it lies on disk."""
    return write_readiness(report(*folders), tmp_path / "readiness").read_text(encoding="utf-8")


def hostile(root: Path) -> FakeFolder:
    """A run whose every text is an attack."""
    folder = run("failures/window_boundaries", Verdict.FAIL, root=root, name=HOSTILE, versions={HOSTILE: HOSTILE})
    folder.verdict_value = verdict(
        Verdict.FAIL, item=folder.verdict().item, scenario=HOSTILE, reasons=(HOSTILE + "| `x` |" + "D" * 1_000_000,)
    )
    return folder


def test_json_is_valid_and_reads_back(tmp_path: Path) -> None:
    """Written, validated, read: the same report."""
    made = report(run("failures/breaker_drill"), hostile(tmp_path))
    write_readiness(made, tmp_path / "readiness")
    text = (tmp_path / "readiness" / "readiness.json").read_text(encoding="utf-8")
    jsonschema.validate(json.loads(text), json.loads((FOLDER / READINESS).read_text(encoding="utf-8")))
    assert Readiness.model_validate_json(text) == made
    assert len(text) < 300_000


def test_page_stands_alone(tmp_path: Path) -> None:
    """Nothing is loaded from anywhere, and the policy admits exactly the inline style and script."""
    html = written(tmp_path, run("failures/breaker_drill"))
    page = Links(html)
    assert page.tags.isdisjoint({"img", "link", "iframe", "object", "base"})
    assert page.handlers == []
    assert not any(link.startswith(("http", "//")) for link in page.links)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy[1]


def test_every_row_is_a_target_and_every_inner_link_leads_to_one(tmp_path: Path) -> None:
    """Deep links by row id."""
    html = written(tmp_path)
    ids = set(re.findall(r' id="([^"]+)"', html))
    assert {row.id for row in CATALOGUE.rows} <= ids
    inner = [link[1:] for link in Links(html).links if link.startswith("#")]
    assert set(inner) <= ids
    assert html.count('<details class="row"') == 196


def test_evidence_links_lead_to_files(tmp_path: Path) -> None:
    """From readiness/ into the run folder beside it."""
    folder = run("failures/breaker_drill", param="a b", root=tmp_path)
    write(folder)
    links = [link for link in Links(written(tmp_path, folder)).links if link.startswith("../")]
    assert "../20261124-110000/failures-breaker_drill%5Ba%20b%5D/verdict.json" in links


def test_decision_stands_in_words(tmp_path: Path) -> None:
    """On the page and in the summary."""
    assert ">INCOMPLETE</h1>" in written(tmp_path)
    assert ">NO-GO</h1>" in written(tmp_path, run("failures/window_boundaries", Verdict.FAIL))
    assert (tmp_path / "readiness" / "readiness.md").read_text(encoding="utf-8").startswith("# Readiness: NO-GO\n")


def test_hostile_evidence_is_harmless_everywhere(tmp_path: Path) -> None:
    """No second script, nothing evaluated, no control characters, and no megabyte."""
    html = written(tmp_path, hostile(tmp_path))
    assert html.count("<script") == 1
    assert "{{7*7}}" in html
    assert "\x1b" not in html
    assert len(html) < 400_000
    markdown = (tmp_path / "readiness" / "readiness.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "\x1b" not in markdown
    assert len(markdown) < 20_000
    row = next(line for line in markdown.splitlines() if line.startswith("| XCB-05 "))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
