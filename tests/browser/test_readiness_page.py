"""The readiness page in the hands of a release manager."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.readiness_page.files import write_readiness

from ..unit.report.fakes import CONTRACT, NOW, readiness, run
from .conftest import Open
from .pages import Pages

VISIBLE = "details.row:not([hidden])"


def test_verdict_buttons_and_search(open_page: Open, pages: Pages) -> None:
    """They narrow each other down, the count follows, and one button brings all rows back."""
    page = open_page(pages.readiness).page
    assert page.locator(VISIBLE).count() == 196
    page.locator("button[data-verdict='FAIL']").click()
    failing = page.locator(VISIBLE).count()
    assert 0 < failing < 20
    assert page.locator("#shown").inner_text() == f"{failing} of 196 rows"
    page.locator("#q").fill("XCB-04")
    assert page.locator(VISIBLE).evaluate_all("(all) => all.map((each) => each.id)") == ["XCB-04"]
    page.locator("#q").fill("nothing like it")
    assert page.locator("#nothing").is_visible()
    page.locator("#reset").click()
    assert page.locator(VISIBLE).count() == 196


def test_selects_and_boxes(open_page: Open, pages: Pages) -> None:
    """By section, stage, must pass, and the checklist's own ticks."""
    page = open_page(pages.readiness).page
    page.locator("#section").select_option("Success Criteria")
    assert page.locator(VISIBLE).count() == 12
    page.locator("#must").check()
    assert page.locator(VISIBLE).count() == 6
    page.locator("#stage").select_option("mainnet")
    assert page.locator(VISIBLE).evaluate_all("(all) => all.map((each) => each.id)") == ["TEC-05"]
    page.locator("#reset").click()
    page.locator("#claimed").check()
    assert page.locator(VISIBLE).count() == 12


def test_deep_links_open_and_focus_their_row(open_page: Open, pages: Pages) -> None:
    """From outside, and from within where a filter hides the row."""
    page = open_page(pages.readiness, "#XCB-04").page
    page.wait_for_function("document.activeElement.closest('details.row')?.id === 'XCB-04'")
    assert page.locator("#XCB-04").evaluate("(row) => row.open")
    page.locator("#q").fill("TEC-01")
    assert not page.locator("#CQ-01").is_visible()
    page.evaluate("location.hash = '#CQ-01'")
    page.wait_for_function("document.activeElement.closest('details.row')?.id === 'CQ-01'")
    assert page.locator("#CQ-01").is_visible()


def test_an_unknown_fragment_is_harmless(open_page: Open, pages: Pages) -> None:
    """Nothing opens, nothing breaks."""
    opened = open_page(pages.readiness, "#%3Cscript%3E")
    assert opened.complaints == []


def test_keyboard_alone(open_page: Open, pages: Pages) -> None:
    """The first stop skips to the rows; a row opens with Enter, a verdict is chosen with Space."""
    page = open_page(pages.readiness).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#rows"
    page.locator("#CQ-01 summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#CQ-01").evaluate("(row) => row.open")
    page.locator("button[data-verdict='STALE']").focus()
    page.keyboard.press("Space")
    assert page.locator("button[data-verdict='STALE']").get_attribute("aria-pressed") == "true"
    assert 0 < page.locator(VISIBLE).count() < 196


def test_the_top_says_what_matters(open_page: Open, pages: Pages) -> None:
    """Decision, path, changes, what expires, criteria, charts, and statements that do not count."""
    page = open_page(pages.readiness).page
    assert page.locator("h1").inner_text() == "NO-GO"
    text = page.locator("main").inner_text()
    assert "Shortest path to GO for stage mainnet" in text
    assert "pytest scenarios/failures/parent_reorged.yaml" in text
    assert "Expires before the release on 2027-03-01" in text
    assert "SCS-01" in text
    assert "XCB-04 " in page.locator("#changes + .pair").inner_text()
    assert page.locator("section.card").count() == 6
    assert page.locator("svg.chart").count() >= 4
    assert "attestation two.yaml does not count" in text


def test_the_trail_from_row_to_run(open_page: Open, pages: Pages) -> None:
    """A row's link leads to the run's page, from there back to the session."""
    page = open_page(pages.readiness, "#XCB-04").page
    page.locator("#XCB-04 .files a", has_text="time line").first.click()
    page.wait_for_selector("svg.lab-timeline")
    page.locator("a", has_text="All runs of this session").click()
    assert page.locator("tbody tr").count() == 5


def test_three_hundred_scenarios(open_page: Open, tmp_path: Path) -> None:
    """Below 5 MB, and every row still there."""
    scenarios = [proof.scenario for row in load_catalogue().rows for proof in row.proofs if "*" not in proof.scenario]
    folders = [
        run(scenario, Verdict.PASS, param=str(index), root=tmp_path)
        for index in range(300 // len(set(scenarios)) + 1)
        for scenario in sorted(set(scenarios))
    ]
    assert len(folders) >= 300
    report = readiness(
        load_catalogue(), folders, contract_sha256=CONTRACT, generated=NOW + timedelta(hours=1), results=tmp_path
    )
    index = write_readiness(report, tmp_path / "readiness")
    assert index.stat().st_size < 5 << 20
    opened = open_page(index)
    assert opened.page.locator(VISIBLE).count() == 196
    assert opened.complaints == []
