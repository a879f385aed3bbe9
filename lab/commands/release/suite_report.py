"""The end of a pytest session with scenarios: pages, readiness, and the summary in the terminal.

Loaded by the plugin when there is something to report, so that other sessions do not pay for it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from lab.commands.release.current import current_of
from lab.evidence import RunFolder
from lab.evidence.folder import MANIFEST
from lab.evidence.newest import Selection, newest_runs, runs_of
from lab.model.under_test import UnderTest
from lab.model.verdict import Verdict
from lab.report.catalogue.rows import load_catalogue
from lab.report.publish import publish
from lab.report.run_page.session_index import write_session_index
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
    readiness = _write_readiness(results, runs[0], counted, system)
    if writer is None:
        return
    writer.section("Tesseract Lab")
    under_test = _under_test(runs[0])
    if under_test is not None:
        writer.line(under_test.line)
    manifests = [run.manifest() for run in runs]
    names = Counter(manifest["item"] for manifest in manifests)
    for run, manifest in zip(runs, manifests, strict=True):
        verdict = run.verdict().verdict if run.ended() else Verdict.UNKNOWN
        # Two of one name are told by their folders.
        name = manifest["item"] if names[manifest["item"]] == 1 else f"{manifest['item']}  {run.path.name}"
        writer.write(f"{verdict:<8}", **{COLOURS.get(verdict, "yellow"): True, "bold": True})
        end = "the run did not end"
        if run.ended():
            end = f"{manifest['simulated_s']:.0f} s simulated in {manifest['duration_s']:.1f} s"
        writer.line(f" {name}  ({len(manifest['networks'])} chains, {end})")
    writer.line("")
    writer.line(f"backend    {manifests[0]['backend']['reason']}")
    writer.line(f"runs       {index}")
    if html is not None:
        writer.line(f"report     {html}")
    writer.line(f"readiness  {readiness} ({counted})")


def _under_test(run: RunFolder) -> UnderTest | None:
    recorded = run.manifest().get("under_test")
    return UnderTest.model_validate(recorded) if recorded else None


def _write_readiness(results: Path, run: RunFolder, counted: Selection, system: SystemUnderTest) -> Path:
    """As `lab report` does, for the contract that this session ran."""
    bytecode = run.manifest().get("contract", {}).get("bytecode_sha256")
    baseline = current_of(bytecode, system, _under_test(run))
    done = publish(results, counted.runs, catalogue=load_catalogue(), baseline=baseline, stage="lab")
    return done.page
