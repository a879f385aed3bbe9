"""The end of a pytest session with scenarios: pages, readiness, and the summary in the terminal.

Loaded by the plugin when there is something to report, so that other sessions do not pay for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.commands.release.current import current_of, in_force, scenario_root
from lab.evidence.folder import MANIFEST
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import Selection, newest_runs, runs_of
from lab.garbage import collecting_seldom
from lab.html.text import clean, plural
from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.causes.page import CAUSES_PAGE, write_session_pages
from lab.report.causes.terminal import causes_text
from lab.report.judge.commands import Commands
from lab.report.judge.readiness import Scope
from lab.report.publish import publish
from lab.report.run_page.parts import RunParts, read_parts
from lab.report.run_page.session_index import distinct_names
from lab.session.suite import point_latest
from lab.session.under_test import SystemUnderTest

# More runs than these are counted, and listed on the page.
LISTED_MAX, EXCESSES_MAX, REASONS_MAX = 12, 3, 12
COLOURS = {"PASS": "green", "FAIL": "red"}


@dataclass(frozen=True, slots=True)
class Reporting:
    """Of which session the reports are, and how they are shown.

    Attributes:
        results: The results folder.
        run_id: The session's folder in it.
        html: The page of pytest-html, where there is one.
        system: What is under test.
        verbose: Whether everything goes to the terminal.
        shown: Whether the terminal has each failure at length already, so that one alone need not be shown again.
    """

    results: Path
    run_id: str
    html: str | None
    system: SystemUnderTest
    verbose: bool = False
    shown: bool = True


@collecting_seldom()
def summarise_session(writer: Any, reporting: Reporting) -> None:
    """Write the reports of a session and say where they are. `writer` is pytest's terminal reporter, None without."""
    results, run_id = reporting.results, reporting.run_id
    folder = results / run_id
    runs = [run for run in runs_of(folder) if (run.path / MANIFEST).is_file()]
    if not runs:
        return
    point_latest(results, run_id)
    index, causes = write_session_pages(folder, runs)
    parts = [read_parts(run, with_history=False) for run in runs]
    counted = newest_runs(results, in_force(parts[0].made.contract.bytecode_sha256, reporting.system))
    readiness = _write_readiness(results, parts[0].made, counted, reporting.system)
    if writer is None:
        return
    writer.section("Tesseract Lab")
    if parts[0].made.under_test is not None:
        writer.line(parts[0].made.under_test.line)
    _outline(writer, parts, listed=len(parts) <= LISTED_MAX or reporting.verbose)
    writer.line("")
    if not (reporting.shown and causes.failed == 1) or reporting.verbose:
        for line in causes_text(causes, everything=reporting.verbose):
            writer.line(line)
        writer.line("")
    for text in causes.excesses[:EXCESSES_MAX]:
        writer.line(f"effort     {text}")
    if causes.causes:
        writer.line(f"causes     {folder / CAUSES_PAGE}")
    writer.line(f"backend    {parts[0].made.backend.reason}")
    writer.line(f"runs       {index}")
    if reporting.html is not None:
        writer.line(f"report     {reporting.html}")
    writer.line(f"readiness  {readiness} ({counted})")


def _outline(writer: Any, parts: list[RunParts], *, listed: bool) -> None:
    """The runs, or how many ended how; why some were not exercised."""
    if listed:
        _list(writer, parts)
    else:
        _count(writer, parts)
    for reason, count in _left_out(parts)[:REASONS_MAX]:
        writer.line(f"  {plural(count, 'run')} not exercised: {reason}")


def _list(writer: Any, parts: list[RunParts]) -> None:
    for run, name in zip(parts, distinct_names(parts), strict=True):
        writer.write(f"{run.state:<8}", **_style(run.state))
        end = f"{run.made.simulated_s or 0:.0f} s simulated in {run.made.duration_s or 0:.1f} s"
        end = end if run.ended else "the run did not end"
        writer.line(f" {clean(name)}  ({plural(len(run.made.networks), 'chain')}, {end})")


def _count(writer: Any, parts: list[RunParts]) -> None:
    for verdict, count in Counter(run.state for run in parts).most_common():
        writer.write(f"{verdict:<8}", **_style(verdict))
        writer.line(f" {plural(count, 'run')}")


def _left_out(parts: list[RunParts]) -> list[tuple[str, int]]:
    """Why runs were not exercised, each reason once, the most frequent first: what contract or machine lacks."""
    verdicts = (run.verdict for run in parts if run.state is Verdict.NOT_EXERCISED)
    reasons = (verdict.reasons[0] for verdict in verdicts if verdict is not None and verdict.reasons)
    return Counter(clean(reason, 300).removeprefix("not exercised: ") for reason in reasons).most_common()


def _style(verdict: Verdict) -> dict[str, bool]:
    return {COLOURS.get(verdict, "yellow"): True, "bold": True}


def _write_readiness(results: Path, made: RunManifest, counted: Selection, system: SystemUnderTest) -> Path:
    """As `lab report` does, for the contract that this session ran."""
    root = scenario_root(counted.runs, results)
    scope = Scope(
        stage="lab",
        generated=datetime.now(UTC),
        baseline=current_of(made.contract.bytecode_sha256, system, made.under_test, root),
        commands=Commands(Path.cwd(), root, results),
    )
    return publish(results, counted.runs, catalogue=load_catalogue(), scope=scope).page
