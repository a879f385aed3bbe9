"""The end of a pytest session with scenarios: pages, readiness, and the summary in the terminal.

Loaded by the plugin when there is something to report, so that other sessions do not pay for it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.commands.release.current import current_of, scenario_root
from lab.evidence.folder import MANIFEST
from lab.evidence.manifest import RunManifest
from lab.evidence.newest import Selection, newest_runs, runs_of
from lab.html.text import clean, plural
from lab.report.catalogue.rows import load_catalogue
from lab.report.judge.commands import Commands
from lab.report.judge.readiness import Scope
from lab.report.publish import publish
from lab.report.run_page.parts import read_parts
from lab.report.run_page.session_index import distinct_names, write_session_index
from lab.session.suite import point_latest
from lab.session.under_test import SystemUnderTest

COLOURS = {"PASS": "green", "FAIL": "red"}


def summarise_session(writer: Any, results: Path, run_id: str, html: str | None, system: SystemUnderTest) -> None:
    """Write the reports of a session and say where they are. `writer` is pytest's terminal reporter, None without."""
    folder = results / run_id
    runs = [run for run in runs_of(folder) if (run.path / MANIFEST).is_file()]
    if not runs:
        return
    point_latest(results, run_id)
    index = write_session_index(folder, runs)
    counted = newest_runs(results)
    parts = [read_parts(run, with_history=False) for run in runs]
    readiness = _write_readiness(results, parts[0].made, counted, system)
    if writer is None:
        return
    writer.section("Tesseract Lab")
    if parts[0].made.under_test is not None:
        writer.line(parts[0].made.under_test.line)
    for run, name in zip(parts, distinct_names(parts), strict=True):
        writer.write(f"{run.state:<8}", **{COLOURS.get(run.state, "yellow"): True, "bold": True})
        end = f"{run.made.simulated_s or 0:.0f} s simulated in {run.made.duration_s or 0:.1f} s"
        end = end if run.ended else "the run did not end"
        writer.line(f" {clean(name)}  ({plural(len(run.made.networks), 'chain')}, {end})")
    writer.line("")
    writer.line(f"backend    {parts[0].made.backend.reason}")
    writer.line(f"runs       {index}")
    if html is not None:
        writer.line(f"report     {html}")
    writer.line(f"readiness  {readiness} ({counted})")


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
