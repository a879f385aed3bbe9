"""The page of one run shows its evidence, links into its folder, and survives bad and hostile evidence."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from lab.model.verdict import Verdict
from lab.report.run_page.page import report_page, scenario_fragment
from lab.report.run_page.session_index import write_session_index

from ..fakes import HOSTILE, broken, eventful, run, verdict, write


class Links(HTMLParser):
    """Collects what a page would load, link to, or run."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links and event handlers."""
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def test_fragment_shows_verdict_checks_faults_and_time_line() -> None:
    """Everything that the terminal would show, and the proof that the fault acted."""
    folder = run("failures/parent_reorged", Verdict.FAIL, checks={"S2": Verdict.FAIL, "S4": Verdict.NOT_EXERCISED})
    html = scenario_fragment(folder)
    assert '<span class="lab-verdict lab-fail">FAIL</span>' in html
    assert "NOT EXERCISED" in html
    assert "child ready before its parent was final at 46.000 s" in html
    assert "12 requests delayed" in html
    assert "<svg" in html
    assert "--seed 7" in html


def test_links_lead_from_the_report_into_the_run_folder(tmp_path: Path) -> None:
    """Each link resolves to a file that is there, brackets in the folder's name included."""
    folder = run("failures/parent_reorged", param="3", root=tmp_path)
    write(folder)
    links = Links(scenario_fragment(folder, relative_to=tmp_path)).links
    assert "./20261124-110000/failures-parent_reorged%5B3%5D/verdict.json" in links
    assert len(links) == 4


def test_a_folder_named_like_a_scheme_is_no_scheme(tmp_path: Path) -> None:
    """`javascript:` as a folder's name stays a relative path."""
    folder = run("x/y", root=tmp_path, session="javascript:alert(1)")
    write(folder)
    links = Links(scenario_fragment(folder, relative_to=tmp_path)).links
    assert links
    assert all(link.startswith("./") for link in links)


def test_hostile_evidence_is_harmless() -> None:
    """No script but ours, no handler, no evaluated template, no control character, no megabyte."""
    folder = run("failures/parent_reorged", name=HOSTILE, description=HOSTILE * 3, faults=HOSTILE)
    folder.verdict_value = verdict(Verdict.FAIL, item=HOSTILE, scenario=HOSTILE, reasons=(HOSTILE, "C" * 1_000_000))
    folder.history_value = eventful(revert=HOSTILE, item=HOSTILE)
    page = Links(html := report_page(folder))
    assert html.count("<script") == 1
    assert page.handlers == []
    assert "{{7*7}}" in html
    assert "\x1b" not in html
    assert len(html) < 70_000


def test_unreadable_parts_are_said_in_their_place() -> None:
    """A truncated history leaves verdict and checks, and says what is missing without this machine's paths."""
    folder = run("failures/parent_reorged")
    folder.history_value = broken(f"{folder.path}/history.jsonl:7:1: truncated")
    html = scenario_fragment(folder)
    assert "Evidence cannot be read: history.jsonl:7:1: truncated" in html
    assert "lab-pass" in html
    folder.manifest_value = folder.verdict_value = broken()
    assert "UNKNOWN" in scenario_fragment(folder)


def test_page_admits_its_own_styles_and_nothing_else() -> None:
    """Each inline style's hash is in the policy."""
    html = report_page(run("failures/parent_reorged"))
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None
    styles = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(styles) == 2
    for style in styles:
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"sha256-{digest}" in policy[1].replace("&#39;", "'")
    assert "default-src" in policy[1]


def test_session_index_lists_every_run_worst_first(tmp_path: Path) -> None:
    """One page for each run, and one over them; broken evidence counts as UNKNOWN."""
    runs = [
        run("failures/parent_reorged", root=tmp_path),
        run("failures/relayer_killed", Verdict.FAIL, root=tmp_path, name=HOSTILE),
        run("failures/node_killed", root=tmp_path),
    ]
    for folder in runs:
        write(folder)
    runs[2].verdict_value = broken()
    index = write_session_index(runs[0].path.parent, runs)
    html = index.read_text(encoding="utf-8")
    links = Links(html).links
    assert [link.split("/")[1].split("-")[1] for link in links] == ["relayer_killed", "node_killed", "parent_reorged"]
    assert all((index.parent / link).is_file() for link in links)
    assert "truncated after 12 bytes" in html
    assert "<script" not in html
    assert "../index.html" in (runs[0].path / "report.html").read_text(encoding="utf-8")


def test_session_index_finds_real_folders_and_survives_what_is_in_them(tmp_path: Path) -> None:
    """Without a list it reads the session folder itself; files that hold nonsense become UNKNOWN."""
    folder = write(run("failures/parent_reorged", root=tmp_path, session="s"))
    (folder.path / "verdict.json").write_text("{}")
    html = write_session_index(tmp_path / "s").read_text(encoding="utf-8")
    assert "1 UNKNOWN" in html
