"""Every kind of evidence that a report reads, with a failure in it, destroyed file by file in every way.

The failure stays one while a file is left that shows it; where none is, the row is UNKNOWN and names the file.
"""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from lab.commands.live.record import record
from lab.evidence import RunFolder
from lab.evidence.in_force import ANYTHING
from lab.evidence.newest import newest_runs
from lab.evidence.outcomes import OUTCOMES, note_outcome
from lab.evidence.seal import write_started
from lab.explore.mutate.mutants import Mutant, find_mutants
from lab.explore.mutate.score import Score
from lab.explore.mutate.trial import MutantOutcome
from lab.model.verdict import Verdict
from lab.report.catalogue.rows import Aspect, Catalogue, Section, load_catalogue
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.gathered import gather
from lab.report.judge.readiness import Scope, build_readiness
from lab.report.records.report import Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict
from tests.unit.explore.test_mutation import ABOUT, COUNTER

from .. import fakes
from ..fakes import NOW
from .test_deployments import OWNED, evidence, network
from .test_load_runs import TUESDAY, ran

CATALOGUE = load_catalogue()
SCENARIO = "failures/parent_reorged"


@dataclass(frozen=True)
class Kind:
    """What makes a failure, or what is infeasible, in which folder, of which row of which checklist.

    `telling` are the files that show it, of which one is the line beside the folder; `others` show nothing.
    """

    row: str
    folder: str
    make: Callable[[Path], object]
    telling: tuple[str, ...]
    others: tuple[str, ...] = ()
    verdict: RowVerdict = RowVerdict.FAIL
    catalogue: Catalogue = CATALOGUE

    @property
    def files(self) -> tuple[str, ...]:
        return (*self.telling, *self.others)


def failed_run(folder: Path) -> None:
    made = fakes.manifest(f"scenarios/{SCENARIO}.yaml", SCENARIO)
    fakes.record(folder, made, fakes.verdict(Verdict.FAIL, item=SCENARIO, checks={"S1": Verdict.FAIL}))
    note_outcome(folder, RunFolder(folder).manifest(), "FAIL", made_with=None)


@cache
def one_mutant() -> Mutant:
    """The first of a small contract."""
    return find_mutants(COUNTER)[0]


def failed_mutation(folder: Path) -> None:
    mutant = one_mutant()
    outcomes = [MutantOutcome(mutant.key, "survived")] * 150
    Score({mutant.key: mutant}, outcomes, {}).write(folder.parent, ABOUT | {"complete": True}, ["mark"])


def own(bound: dict[str, object]) -> Catalogue:
    """A checklist of one row."""
    row = {
        "id": "OWN-01", "kind": "item", "stage": "testnet", "must_pass": True, "claimed": False, "item": "It is there",
        "detail": "", "proof": "see", **bound,
    }  # fmt: skip
    sections = [{"title": "Ours", "rows": [row]}]
    return Catalogue.model_validate({"schema_version": 1, "document": "Ours", "sections": sections})


# What of a deployment fails each aspect that a row can ask for.
FAILING: dict[Aspect, dict[str, Any]] = {
    "configured": {"variables": ()},
    "funded": {},
    "deployed": OWNED,
    "verified": {"verified": {"sourcify": "no match"}},
    "smoked": {"smoke": {"ready": "expected the event TransactionReady, got none"}},
    "budgeted": {"budget_wei": "0"},
    "monitored": {"events": {}},
    "guarded": {"smoke": {}},
    "performed": {"reverted": 1},
    "watched": {"services": {}},
    "published": {"services": {}},
}


def failed_deployment(folder: Path, changed: dict[str, Any]) -> None:
    record(evidence(network("sepolia", **changed)), folder)


LINE = f"../{OUTCOMES}"
RUN = "20261124-110000-0000/failures+parent_reorged"
KINDS = {
    "critical check": Kind("TEC-05", RUN, failed_run, ("verdict.json", "manifest.json", LINE), ("metrics.json",)),
    "run": Kind(
        next(row.id for row in CATALOGUE.rows if any(proof.scenario == SCENARIO for proof in row.proofs)),
        RUN,
        failed_run,
        ("verdict.json", "manifest.json", LINE),
        ("metrics.json",),
    ),
    "load": Kind(
        "LOAD-01",
        f"load/{TUESDAY}",
        lambda folder: ran(folder.parents[1], folder.name, "FAIL"),
        ("rows.json", "manifest.json", LINE),
    ),
    "mutation": Kind("RTE-01", "mutation", failed_mutation, ("rows.json", "manifest.json", LINE), ("mutation.json",)),
    "infeasible load": Kind(
        "LOAD-01",
        f"load/{TUESDAY}",
        lambda folder: ran(folder.parents[1], folder.name, "INFEASIBLE"),
        ("rows.json", "manifest.json", LINE),
        verdict=RowVerdict.INFEASIBLE,
    ),
    "run, own checklist": Kind(
        "OWN-01",
        RUN,
        failed_run,
        ("verdict.json", "manifest.json", LINE),
        ("metrics.json",),
        catalogue=own({"class": "lab", "proofs": [{"scenario": SCENARIO}]}),
    ),
    **{
        f"deployment, own checklist: {aspect}": Kind(
            "OWN-01",
            "live/deployment",
            partial(failed_deployment, changed=changed),
            ("evidence.json", LINE),
            ("deployment.html",),
            catalogue=own({"class": "live", "live": {"networks": ["sepolia"], "shows": [aspect], "balance_min": 2}}),
        )
        for aspect, changed in FAILING.items()
    },
    "deployment": Kind(
        "SEP-03",
        "live/deployment",
        partial(failed_deployment, changed=OWNED),
        ("evidence.json", LINE),
        ("deployment.html",),
    ),
}


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def replaced_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "overwritten": lambda path: path.write_bytes(b"\xff" * 9 + path.read_bytes()[9:]),
    "a folder": replaced_by_a_folder,
    **{f"now {content!r}": written(content) for content in (b"", b"null", b"7", b'"x"', b"[]", b"{}", b"[{}]\n")},
}


def report(results: Path, catalogue: Catalogue = CATALOGUE) -> Readiness:
    """By all that is there."""
    folders = newest_runs(results).runs
    found = gather(results, folders, catalogue, now=NOW, attestations=results / "none", in_force=ANYTHING)
    return build_readiness(catalogue, found, Scope("testnet", NOW, Baseline()))


@cache
def alone(row: str) -> Catalogue:
    """The lab's checklist, of which the other rows, that nobody asks for here, are left out."""
    rows = tuple(each for each in CATALOGUE.rows if each.id == row)
    return Catalogue(schema_version=1, document=CATALOGUE.document, sections=(Section(title="", rows=rows),))


def judged(results: Path, row: str, catalogue: Catalogue = CATALOGUE) -> RowResult:
    (found,) = report(results, alone(row) if catalogue is CATALOGUE else catalogue).rows
    return found


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", KINDS)
def test_no_failure_is_lost(tmp_path: Path, name: str, how: str) -> None:
    """One file, several, all."""
    kind = KINDS[name]
    original = tmp_path / "original"
    kind.make(original / kind.folder)
    assert judged(original, kind.row, kind.catalogue).verdict is kind.verdict
    sizes = range(1, len(kind.files) + 1)
    for number, damaged in enumerate(itertools.chain(*(itertools.combinations(kind.files, size) for size in sizes))):
        results = shutil.copytree(original, tmp_path / str(number))
        for file in damaged:
            DAMAGES[how](results / kind.folder / file)
        row = judged(results, kind.row, kind.catalogue)
        if set(kind.telling) - set(damaged):
            assert row.verdict is kind.verdict, (damaged, row.reason)
        elif how != "deleted" or set(kind.others) - set(damaged):
            assert row.verdict in (kind.verdict, RowVerdict.UNKNOWN), (damaged, row.reason)
        else:
            # Nothing is left of it.
            assert row.verdict not in (RowVerdict.PASS, RowVerdict.LAB_PASS), (damaged, row.reason)
        if row.verdict is RowVerdict.UNKNOWN:
            names = [*(Path(file).name for file in damaged), kind.folder]
            assert any(name in row.reason for name in names), row.reason


@pytest.mark.parametrize(("folder", "row"), [(f"load/{TUESDAY}", "LOAD-05"), ("mutation", "RTE-01")])
def test_a_measurement_that_did_not_end(tmp_path: Path, folder: str, row: str) -> None:
    """It may have been of any row that such a command settles, until one says so."""
    write_started(tmp_path / folder, {"profile": "Buffering", "item": "load Buffering", "project": ["a"]})
    found = judged(tmp_path, row)
    assert found.verdict is RowVerdict.UNKNOWN
    assert f"{folder}: the run was started and did not end" in found.reason


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_that_is_gone(tmp_path: Path, name: str) -> None:
    """What stands beside it is enough."""
    kind = KINDS[name]
    kind.make(tmp_path / kind.folder)
    shutil.rmtree(tmp_path / kind.folder)
    row = judged(tmp_path, kind.row, kind.catalogue)
    assert row.verdict is kind.verdict
    assert kind.row == "TEC-05" or kind.folder in [shown.folder for shown in row.evidence]


def test_what_to_do_about_a_deployment_that_is_lost(tmp_path: Path) -> None:
    """Look again, and not measure a load."""
    kind = KINDS["deployment"]
    kind.make(tmp_path / kind.folder)
    (tmp_path / kind.folder / "evidence.json").unlink()
    commands = [step.command for step in report(tmp_path).path_to_go if kind.row in step.rows]
    assert commands == ["lab live status"]


@pytest.mark.parametrize("name", KINDS)
def test_a_line_that_was_edited_passes_nothing(tmp_path: Path, name: str) -> None:
    """Whatever good it says, and whatever is left of the folder."""
    kind = KINDS[name]
    original = tmp_path / "original"
    kind.make(original / kind.folder)
    good = network("sepolia", funded_wei=str(10**20)).model_dump(mode="json")
    files = [file for file in kind.files if file != LINE]
    for number, gone in enumerate(itertools.product((False, True), repeat=len(files))):
        results = shutil.copytree(original, tmp_path / str(number))
        for file in itertools.compress(files, gone):
            (results / kind.folder / file).unlink()
        path = results / kind.folder / LINE
        said = json.loads(path.read_text().splitlines()[-1])
        praise = {"verdict": "PASS", "failed": {}, "infeasible": {}, "failed_checks": [], "rows": {kind.row: "PASS"}}
        path.write_text(json.dumps(said | praise | {"live": {"sepolia": good}}) + "\n")
        row = judged(results, kind.row, kind.catalogue)
        assert row.verdict not in (RowVerdict.PASS, RowVerdict.LAB_PASS), gone


def test_a_line_of_an_earlier_version(tmp_path: Path) -> None:
    """It names the rows that failed instead of what was seen, and stays when another network is looked at."""
    folder = tmp_path / "live" / "deployment"
    folder.mkdir(parents=True)
    line: dict[str, object] = {"folder": "deployment", "item": "lab live", "started": "2026-11-25T10:00:00+00:00"}
    line |= {"failed": {"SEP-03": "not so"}, "deployed": {"sepolia": {"SEP-03": "not so"}, "amoy": {}}}
    (folder / LINE).write_text(json.dumps(line) + "\n")
    for looked in (False, True):
        if looked:
            record(evidence(network("amoy")), folder)
        assert judged(tmp_path, "SEP-03").verdict is RowVerdict.FAIL
        assert judged(tmp_path, "SEP-04").verdict is RowVerdict.UNKNOWN
    record(evidence(network("sepolia")), folder)
    assert judged(tmp_path, "SEP-03").verdict is RowVerdict.PASS
