"""Forged deployments, loads and mutation scores under a signed report: each is found, and none passes again.

Whoever edits them knows how the lab writes its files, makes every digest again, and has no key.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.commands.release.bundle import verify_path
from lab.evidence.seal import write_sealed, write_started
from lab.live.results.page import PAGE, write_page
from lab.model.live_evidence import EVIDENCE, LiveEvidence, NetworkEvidence
from lab.report.readiness_page.files import write_page_again
from lab.report.release.bundle import write_bundle
from lab.report.release.sign import Opinion, sign
from tests.unit.report.judge.test_deployments import network, written

from .mutants import as_json
from .recorded_project import RecordedProject

pytestmark = pytest.mark.reliability

CHECKLIST = """
schema_version: 1
document: Three rows
sections:
  - title: Section
    rows:
      - {id: SEP-03, kind: item, class: live, stage: testnet, must_pass: true, claimed: false, item: Deployed,
         detail: "", proof: deployed, depends_on: [contract], live: {networks: [sepolia], shows: [deployed, verified]}}
      - {id: AA-01, kind: item, class: lab, stage: lab, must_pass: true, claimed: false, item: Fast, detail: "",
         proof: measured, depends_on: [lab]}
"""
LOAD = "load/buffer-20261124-110000"
ROWS = {
    "schema_version": 1,
    "profile": "buffer",
    "rows": [{"row": "AA-01", "verdict": "PASS", "figure": 99.9, "unit": "%", "n": 1_000, "evidence": ["rows.json"]}],
}


class Project(RecordedProject):
    """One whose results have a deployment and a load, and a signed report that says GO."""

    stage = "testnet"

    @property
    def live(self) -> Path:
        return self.results / "live" / "deployment"

    @property
    def load(self) -> Path:
        return self.results / LOAD


def write_load(folder: Path, rows: Any) -> None:
    """As a load leaves it, sealed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rows.json").write_bytes(as_json(rows))
    write_sealed(folder, {"profile": "buffer"}, ["rows.json"])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("measured"))
    (project.path / "all-checklist.yaml").write_text(CHECKLIST)
    (project.path / "key").write_text(f"{7:064x}")
    (project.path / "key").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.path)
        written(project.results, network("sepolia"))
        write_page(LiveEvidence.read(project.live / EVIDENCE), project.live)
        write_load(project.load, ROWS)
        assert project.report("all") == 0
        sign(project.results / "readiness", Opinion("Ada", "GO"), project.signer())
        write_page_again(project.results / "readiness")
        assert verify_path(project.results, [project.signer().address]) == 0
    return project


@pytest.fixture
def project(original: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    copy = shutil.copytree(original.path, tmp_path / "project")
    monkeypatch.chdir(copy)
    return Project(copy)


def test_what_is_whole_verifies_in_a_bundle_too(project: Project) -> None:
    """A report with evidence of all kinds, signed."""
    out = project.path / "bundle.tar.gz"
    write_bundle(project.results, out, signer=project.signer())
    assert verify_path(out, [project.signer().address]) == 0


Forgery = Callable[[Project], object]


def edited(project: Project, old: str, new: str) -> None:
    path = project.live / EVIDENCE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def made_again(page: bool = True, **changed: Any) -> Forgery:
    """The network's facts changed, and digest and page made anew."""

    def forge(project: Project) -> None:
        seen = LiveEvidence.read(project.live / EVIDENCE)
        (one,) = seen.networks
        whole = seen.model_copy(update={"networks": (NetworkEvidence(**(one.model_dump() | changed)),)})
        whole.write(project.live)
        if page:
            write_page(whole, project.live)

    return forge


def rows_with(**changed: Any) -> Forgery:
    """A measurement that says otherwise, sealed again."""
    return lambda project: write_load(project.load, ROWS | {"rows": [ROWS["rows"][0] | changed]})  # type: ignore[index]


# What is forged -> whether a report made anew may still say GO: the forger has made all of it again, and contradicts
# nothing. Against that only the signature helps.
FORGERIES: dict[str, tuple[Forgery, bool]] = {
    "the address edited": (lambda project: edited(project, "0x11", "0x12"), False),
    "a rehearsal called live": (lambda project: edited(project, '"testnet": true', '"testnet": false'), False),
    "the evidence cut": (lambda project: (project.live / EVIDENCE).write_text("{"), False),
    "the evidence gone": (lambda project: (project.live / EVIDENCE).unlink(), False),
    "the page edited": (lambda project: (project.live / PAGE).write_text("all is well"), True),
    "the page gone": (lambda project: (project.live / PAGE).unlink(), True),
    "another owner, all made again": (made_again(owner="0x" + "99" * 20), True),
    "another address, all made again": (made_again(address="0x" + "99" * 20), True),
    "facts made again without the page": (made_again(page=False, owner="0x" + "99" * 20), True),
    "a difference, all made again": (made_again(differences=("expected owner a, it is b",)), False),
    "not verified, all made again": (made_again(verified={"sourcify": "no match"}), False),
    "a rehearsal, all made again": (made_again(kind="rehearsal"), False),
    "doubts, all made again": (made_again(doubts=("its node is a development node",)), False),
    "another chain, all made again": (made_again(genesis_hash="0x" + "44" * 32), False),
    "a local node, all made again": (made_again(client="anvil/v1"), False),
    "one endpoint, all made again": (made_again(endpoints_agree=1), False),
    "a load's rows edited": (lambda project: (project.load / "rows.json").write_bytes(as_json(ROWS) + b" "), False),
    "a load's manifest gone": (lambda project: (project.load / "manifest.json").unlink(), False),
    "a load that did not end": (lambda project: write_started(project.load, {"profile": "buffer"}), False),
    "a load that failed, sealed again": (rows_with(verdict="FAIL"), False),
    "a load that is unknown, sealed again": (rows_with(verdict="UNKNOWN"), False),
    "a load of another row, sealed again": (rows_with(row="ZZ-01"), False),
    "a load that is gone": (lambda project: shutil.rmtree(project.load), False),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_no_forged_measurement_verifies(project: Project, name: str) -> None:
    """Under the signature that was made before; and a report made anew does not pass what contradicts itself."""
    forge, may_pass = FORGERIES[name]
    forge(project)
    out = project.path / "bundle.tar.gz"
    write_bundle(project.results, out, signer=project.signer())
    assert verify_path(out, [project.signer().address]) == 1
    assert verify_path(project.results, [project.signer().address]) == 1
    assert json.loads((project.results / "readiness" / "readiness.json").read_text())["decision"] == "GO"
    assert (project.report("all") == 0) == may_pass
