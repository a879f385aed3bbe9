"""Every row that has a proof can lose its verdict, by each way in which evidence can go bad, and comes back.

The evidence is real files in real run folders: what a careless or a dishonest hand could do is done to them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from lab.evidence import RunFolder
from lab.model.history import History
from lab.model.verdict import RunVerdict, Verdict
from lab.report.catalogue.library import library_scenarios
from lab.report.catalogue.rows import Proof, Row, load_catalogue
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.figures import Figure, Source
from lab.report.evidence.gathered import Gathered
from lab.report.evidence.runs import Run, read_run
from lab.report.judge.figure_opinions import opinions_of
from lab.report.judge.readiness import Scope, build_readiness
from lab.report.judge.row_judge import _speaks_of, judge
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import RowVerdict

from .. import fakes
from ..fakes import CONTRACT, NOW, manifest, verdict

Damage = Callable[[Path, str], None]

CATALOGUE = load_catalogue()
BOUND = [row for row in CATALOGUE.rows if row.proofs and row.row_class in ("lab", "lab-bounded")]
LIBRARY = {name.removeprefix("scenarios/") for name in library_scenarios(Proof(scenario="*/*"))}
SCENARIOS = sorted(LIBRARY | {proof.scenario for row in BOUND for proof in row.proofs if "*" not in proof.scenario})
COMMIT = "ab" * 20
MEASURED = tuple(
    Figure(row.id, RowVerdict.PASS, "measured", source=Source("", "load/one")) for row in BOUND if row.measured_by
)


# What undamaged runs amount to for a row: (its id, their folders) -> verdict.
KNOWN: dict[tuple[str, frozenset[str]], RowVerdict] = {}


@cache
def checks_of(scenario: str) -> dict[str, Verdict]:
    """Every check that some row wants of a scenario."""
    proofs = (proof for row in BOUND for proof in row.proofs if proof.matches(f"scenarios/{scenario}.yaml"))
    wanted = {name for proof in proofs for name in proof.check}
    return dict.fromkeys(sorted(wanted | {"S1"}), Verdict.PASS)


def record(folder: Path, scenario: str, **changes: Any) -> None:
    """A sealed run folder of a scenario that passed."""
    state = changes.pop("state", Verdict.PASS)
    said = verdict(state, item=scenario, checks=checks_of(scenario) | changes.pop("checks", {}))
    fakes.record(folder, manifest(f"scenarios/{scenario}.yaml", scenario) | changes, said)


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A results folder in which every scenario of the catalogue passed."""
    session = tmp_path_factory.mktemp("results") / "20261124-110000-0000"
    for scenario in SCENARIOS:
        record(session / scenario.replace("/", "-"), scenario)
    # While nothing is damaged: whichever test comes first may find it otherwise.
    about(session)
    return session


@cache
def _files(folder: Path) -> dict[str, bytes]:
    """What an undamaged folder holds; nothing, if there is none."""
    return {path.name: path.read_bytes() for path in folder.glob("*")}


@contextmanager
def damaging(*folders: Path) -> Iterator[None]:
    """Whatever is done to these folders is undone."""
    before = {folder: _files(folder) for folder in folders}
    try:
        yield
    finally:
        for folder, files in before.items():
            shutil.rmtree(folder, ignore_errors=True)
            if files:
                folder.mkdir()
            for name, data in files.items():
                (folder / name).write_bytes(data)


class Kept(RunFolder):
    """A run folder that was read once; nobody touches it in between."""

    @cached_property
    def _parts(self) -> tuple[dict[str, Any], RunVerdict, History, list[str]]:
        plain = RunFolder(self.path)
        return plain.manifest(), plain.verdict(), plain.history(), plain.verify()

    def manifest(self) -> dict[str, Any]:
        """As it was."""
        return self._parts[0]

    def verdict(self) -> RunVerdict:
        """As it was."""
        return self._parts[1]

    def history(self) -> History:
        """As it was."""
        return self._parts[2]

    def verify(self) -> list[str]:
        """As it was."""
        return self._parts[3]


@cache
def kept(folder: Path) -> Kept:
    """An undamaged folder."""
    return Kept(folder)


@cache
def read(folder: Path) -> Run:
    """What the report takes from an undamaged folder."""
    return read_run(kept(folder), folder.parents[1], NOW)


def report(session: Path, *damaged: Path, figures: tuple[Figure, ...] = MEASURED) -> Readiness:
    """The report over a session and measurements; damaged folders are read as they are now."""
    folders = sorted(path for path in session.iterdir() if path.is_dir())
    now = {folder: RunFolder(folder) for folder in folders if folder in damaged}
    runs = [read_run(now[each], session.parent, NOW) if each in now else read(each) for each in folders]
    evidence = Gathered(
        folders=tuple(now.get(each) or kept(each) for each in folders), runs=tuple(runs), statements=(), figures=figures
    )
    baseline = Baseline(lab_commit=COMMIT, contract_sha256=CONTRACT)
    return build_readiness(CATALOGUE, evidence, Scope("lab", NOW, baseline))


def verdicts(session: Path, *damaged: Path) -> dict[str, RowVerdict]:
    """Row id -> verdict."""
    return {row.id: row.verdict for row in report(session, *damaged).rows}


@cache
def undamaged(session: Path) -> dict[str, RowVerdict]:
    """The verdicts while all is well, for tests to compare with what they did."""
    return judged(session)


def judged(session: Path, *damaged: Path, rows: Sequence[Row] = BOUND) -> dict[str, RowVerdict]:
    """Row id -> verdict, each judged by itself: no more of a report is made."""
    folders = [path for path in session.iterdir() if path.is_dir()]
    now = {path: read_run(RunFolder(path), session.parent, NOW) for path in folders if path in damaged}
    baseline = Baseline(lab_commit=COMMIT, contract_sha256=CONTRACT)
    opinions = opinions_of(MEASURED, {row.id: row for row in rows}, baseline)
    there = {path.name for path in folders if path not in now}
    found = {}
    for row in rows:
        speaking = about(session)[row.id] & there
        # Where no damaged run speaks of a row, it is as it was with the same runs.
        anew = any(_speaks_of(proof, run) for proof in row.proofs for run in now.values())
        if anew or (row.id, speaking) not in KNOWN:
            runs = [now[path] if path in now else read(path) for path in folders]
            verdict = judge(row, runs, baseline, figures=opinions.get(row.id, ())).verdict
            KNOWN.update({} if anew else {(row.id, speaking): verdict})
        found[row.id] = verdict if anew else KNOWN[row.id, speaking]
    return found


@cache
def about(session: Path) -> dict[str, frozenset[str]]:
    """Row id -> the folders of undamaged runs that speak of it."""
    runs = {path.name: read(path) for path in session.iterdir() if path.is_dir()}
    return {
        row.id: frozenset(name for name, run in runs.items() if any(_speaks_of(proof, run) for proof in row.proofs))
        for row in BOUND
    }


def settled(row: Row) -> RowVerdict:
    """What a row is when all is well."""
    return RowVerdict.PASS if row.row_class == "lab" else RowVerdict.LAB_PASS


def test_all_bound_rows_are_settled_when_all_is_well(passed: Path) -> None:
    """The ground from which everything below falls."""
    found = verdicts(passed)
    assert {row.id: found[row.id] for row in BOUND} == {row.id: settled(row) for row in BOUND}
    assert len(BOUND) >= 27


@pytest.mark.parametrize("word", ["FAIL", "UNKNOWN", "NOT RUN"])
def test_a_row_that_is_measured_falls_with_its_figure(passed: Path, word: str) -> None:
    """However well its scenarios went; without any figure it was not run."""
    bad = tuple(replace(figure, verdict=RowVerdict(word)) for figure in MEASURED)
    found = {row.id: row.verdict for row in report(passed, figures=() if word == "NOT RUN" else bad).rows}
    assert MEASURED
    assert {found[figure.row] for figure in MEASURED} == {RowVerdict(word)}


def _failing_run(folder: Path, scenario: str) -> None:
    record(folder, scenario, state=Verdict.FAIL)


def _unclear_run(folder: Path, scenario: str) -> None:
    record(folder, scenario, state=Verdict.UNKNOWN)


def _truncated_verdict(folder: Path, scenario: str) -> None:
    path = folder / "verdict.json"
    path.write_text(path.read_text()[:40])


def _edited_verdict(folder: Path, scenario: str) -> None:
    path = folder / "verdict.json"
    path.write_text(path.read_text().replace('"judged":2', '"judged":3'))


def _edited_history(folder: Path, scenario: str) -> None:
    path = folder / "history.jsonl"
    path.write_text(path.read_text().replace("Not authorized", "not authorized"))


def _missing_history(folder: Path, scenario: str) -> None:
    (folder / "history.jsonl").unlink()


def _manifest_gone(folder: Path, scenario: str) -> None:
    (folder / "manifest.json").unlink()


def _no_digests(folder: Path, scenario: str) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "digests"}))


def _from_the_future(folder: Path, scenario: str) -> None:
    record(folder, scenario, started="2031-01-01T00:00:00+00:00")


def _other_commit(folder: Path, scenario: str) -> None:
    record(folder, scenario, lab={"version": "0.1.0", "commit": "cd" * 20, "dirty": False})


def _other_contract(folder: Path, scenario: str) -> None:
    record(folder, scenario, contract={"bytecode_sha256": "00" * 32})


def _gone(folder: Path, scenario: str) -> None:
    shutil.rmtree(folder)


def _leans(row: Row, name: str) -> bool:
    """Whether a row falls with the run: other runs that a pattern takes do not make up for it."""
    return any(fnmatchcase(name, proof.scenario) for proof in row.proofs)


def _alike(scenario: str, proof: str) -> bool:
    """Whether a folder that only its name is left of could be one of the proof's, too."""
    return fnmatchcase(scenario.replace("/", "-"), f"*{proof.rsplit('/', 1)[-1]}*")


@cache
def _apart(*, nameless: bool) -> list[list[str]]:
    """The scenarios in groups of which no two prove the same row by name.

    `nameless`: nor could one be taken for a proof of the other's rows, where the folder's name is all that is left.
    """
    groups: list[tuple[list[str], set[str]]] = []
    for name in SCENARIOS:
        proofs = [(row.id, proof.scenario) for row in BOUND for proof in row.proofs if "*" not in proof.scenario]
        rows = {row for row, proof in proofs if proof == name or (nameless and _alike(name, proof))}
        names, taken = next((each for each in groups if not each[1] & rows), ([], set()))
        if not names:
            groups.append((names, taken))
        names.append(name)
        taken |= rows
    return [names for names, _ in groups]


DAMAGES: list[tuple[Damage, RowVerdict, str | None]] = [
    (_failing_run, RowVerdict.FAIL, None),
    (_unclear_run, RowVerdict.UNKNOWN, None),
    (_truncated_verdict, RowVerdict.UNKNOWN, None),
    (_edited_verdict, RowVerdict.UNKNOWN, None),
    (_edited_history, RowVerdict.UNKNOWN, None),
    (_missing_history, RowVerdict.UNKNOWN, None),
    (_manifest_gone, RowVerdict.UNKNOWN, None),
    (_no_digests, RowVerdict.UNKNOWN, None),
    (_from_the_future, RowVerdict.UNKNOWN, None),
    (_other_commit, RowVerdict.STALE, "lab"),
    (_other_contract, RowVerdict.STALE, "contract"),
    (_gone, RowVerdict.NOT_RUN, None),
]


@pytest.mark.parametrize(
    ("damage", "expected", "dependency"), DAMAGES, ids=[damage.__name__.strip("_") for damage, *_ in DAMAGES]
)
def test_every_bound_row_falls_and_comes_back(
    passed: Path, damage: Damage, expected: RowVerdict, dependency: str | None
) -> None:
    """Exactly the rows that damaged scenarios prove fall, and all stand again once these are repaired.

    As many at once as name no row twice.
    """
    fallen: set[str] = set()
    good = undamaged(passed)
    nameless = damage in (_manifest_gone, _no_digests)
    for scenarios in _apart(nameless=nameless):
        folders = {passed / scenario.replace("/", "-"): scenario for scenario in scenarios}
        touched = {row.id for row in BOUND for name in scenarios if _leans(row, name)}
        touched &= {row.id for row in BOUND if dependency is None or dependency in row.depends_on}
        with damaging(*folders):
            for folder, scenario in folders.items():
                damage(folder, scenario)
            found = judged(passed, *folders)
        changed = {row for row, now in found.items() if now is not good[row]}
        if nameless:
            # Only the folder's name is left, so rows of scenarios that are called alike distrust it, too.
            changed &= touched
        assert {row: found[row] for row in changed} == dict.fromkeys(touched, expected), scenarios
        fallen |= touched
    assert judged(passed) == good
    proven = {row.id for row in BOUND if dependency is None or dependency in row.depends_on}
    leaning = {row.id for row in BOUND if any(_leans(row, name) for name in SCENARIOS)}
    assert fallen == proven & leaning


def test_a_row_of_many_scenarios_falls_with_any_of_them(passed: Path) -> None:
    """One failing run is enough where a proof is a pattern."""
    folders = {scenario: passed / scenario.replace("/", "-") for scenario in SCENARIOS}
    good = {scenario: read(folder) for scenario, folder in folders.items()}
    baseline = Baseline(lab_commit=COMMIT, contract_sha256=CONTRACT)
    for scenario, folder in folders.items():
        with damaging(folder):
            record(folder, scenario, state=Verdict.FAIL)
            runs = (good | {scenario: read_run(RunFolder(folder), passed.parent, NOW)}).values()
        of_many = [row for row in BOUND if any("*" in proof.scenario for proof in row.proofs)]
        for row in of_many:
            assert (judge(row, [*runs], baseline).verdict is RowVerdict.FAIL) == _leans(row, scenario)


@pytest.mark.parametrize(
    "row", [row for row in BOUND if any(proof.check for proof in row.proofs)], ids=lambda row: row.id
)
def test_a_check_that_failed_takes_its_rows(passed: Path, row: Row) -> None:
    """The seeded fault is a failing check in a run that calls itself passed: the row that wants the check fails."""
    proof = next(proof for proof in row.proofs if proof.check)
    folder = passed / proof.scenario.replace("/", "-")
    with damaging(folder):
        record(folder, proof.scenario, checks={proof.check[0]: Verdict.FAIL})
        assert judged(passed, folder, rows=[row]) == {row.id: RowVerdict.FAIL}
    assert judged(passed, folder, rows=[row]) == {row.id: settled(row)}


def test_the_decision_falls_with_the_rows(passed: Path) -> None:
    """A failing must-pass row is NO-GO for every stage."""
    scenario = "failures/window_boundaries"
    folder = passed / scenario.replace("/", "-")
    with damaging(folder):
        record(folder, scenario, state=Verdict.FAIL)
        assert [stage.decision for stage in report(passed, folder).stages] == ["NO-GO"] * 3
    assert report(passed, folder).decision == "INCOMPLETE"


def test_other_rows_say_what_would_show_that_they_can_fail(passed: Path) -> None:
    """Rows bound to a check with known detections name the broken contracts."""
    rows = {row.id: row for row in report(passed).rows}
    assert "S6 authority caught the broken contracts missing_auth, tx_origin_auth" in rows["SEC-01"].can_fail[0]
    assert "faults that acted in its runs: reorg" in rows["SEC-01"].can_fail[-1]
