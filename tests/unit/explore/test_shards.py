"""Parts of the work, their journals, and `lab merge`: gaps, contradictions and other versions are named."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.bounded_files import UnfitFile
from lab.cli import app
from lab.errors import UsageError
from lab.explore.journal import (
    Journal,
    JournalHeader,
    LibraryUsed,
    MutatedContract,
    MutationFacts,
    MutationWork,
    SwarmWork,
    made_with,
)
from lab.explore.mutate.equivalent import read_reviewed
from lab.explore.mutate.mutants import find_mutants
from lab.explore.mutate.trial import MutantOutcome
from lab.explore.progress import pace
from lab.explore.shard import Shard
from lab.explore.swarm.seed import SeedOutcome
from lab.explore.swarm.shrink import Shrunk
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

MADE = {"lab": "0.1.0 abc", "node": "anvil 1.7.1", "contract": "Mine 1234"}


def seed(number: int, verdict: Verdict = Verdict.PASS, digest: str = "d") -> SeedOutcome:
    """An outcome."""
    return SeedOutcome(number, verdict, ("L1: why",), (), ("halt",), digest, 1, 60.0, 1.0)


def header(shard: str, *, seeds: int = 10, made: dict[str, str] = MADE) -> JournalHeader:
    """Of seeds from 100 on."""
    return JournalHeader(command="swarm", made_with=made, work=SwarmWork(first=100, seeds=seeds), shard=shard)


def journal(folder: Path, of: JournalHeader, *outcomes: SeedOutcome) -> Path:
    """As `lab swarm` writes it."""
    path = folder / "swarm" / Shard.parse(of.shard).file
    written = Journal.begin(path, of, SeedOutcome, resume=False)
    for outcome in outcomes:
        written.add(outcome)
    return path


def merged(*folders: Path, results: Path) -> tuple[int, str]:
    """Exit code and output of `lab merge`."""
    words = ["merge", *map(str, folders), "--results", str(results)]
    result = CliRunner().invoke(app, words)
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_parts_are_the_whole(count: int) -> None:
    """Every task is in one part, and no part is more than one longer than another."""
    parts = [Shard(number, count).of(range(100, 150)) for number in range(1, count + 1)]
    assert sorted(task for part in parts for task in part) == list(range(100, 150))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert len({Shard(number, count).file for number in range(1, count + 1)}) == count


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "1/0", "a/b", "-1/3", "1/3/5", "1/10001", "٣/٤"])
def test_what_is_no_part_is_refused(text: str) -> None:
    """With the form that was expected."""
    with pytest.raises(UsageError, match=r"expected PART/PARTS, as 1/20"):
        Shard.parse(text)
    assert CliRunner().invoke(app, ["swarm", "--shard", text]).exit_code != 0


def test_a_journal_is_taken_up_where_a_kill_left_it(tmp_path: Path) -> None:
    """The line that was being written is not read; what comes after it is whole."""
    shrunk = Shrunk({"flows": {}, "networks": {}, "timeline": []}, 3, whole=True)
    path = journal(tmp_path, header("1/1"), seed(100), replace(seed(101), shrunk=shrunk, minimal="name: x\n"))
    path.write_text(path.read_text() + '{"seed": 102, "verdict": "PASS", "reasons": ["{}"]')
    again = Journal.begin(path, header("1/1"), SeedOutcome, resume=True)
    kept = list(again.outcomes())
    assert [outcome.seed for outcome in kept] == [100, 101]
    assert kept[1].shrunk == shrunk
    again.add(seed(103))
    read = Journal.read(path, "swarm", SeedOutcome)
    assert list(read.outcomes()) == [*kept, seed(103)]
    assert read.header == header("1/1")
    assert list(Journal.begin(path, header("1/1"), SeedOutcome, resume=False).outcomes()) == []


def test_other_work_is_not_taken_up(tmp_path: Path) -> None:
    """Neither other seeds nor another contract; the difference is named."""
    path = journal(tmp_path, header("1/1"), seed(100))
    for other, words in (
        (header("1/1", seeds=11), "seeds 11 and 10"),
        (header("1/1", made={**MADE, "contract": "Mine 99"}), "contract Mine 99 and Mine 1234"),
    ):
        with pytest.raises(UsageError, match=f"not the same work: {words}; without --resume"):
            Journal.begin(path, other, SeedOutcome, resume=True)


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"seed": "x"}', "no JSON"])
def test_a_line_that_is_no_outcome_is_named(tmp_path: Path, line: str) -> None:
    """Anywhere but at the end, where a kill explains it."""
    path = journal(tmp_path, header("1/1"), seed(100))
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{line}\n{second}\n")
    with pytest.raises(UnfitFile, match=r"outcomes\.jsonl:2: expected"):
        list(Journal.read(path, "swarm", SeedOutcome).outcomes())


def test_all_parts_together_are_one_run(tmp_path: Path) -> None:
    """In any folders; the exit code is that of one machine that had run all seeds."""
    journal(tmp_path / "a", header("1/2"), *(seed(number) for number in range(100, 110, 2)))
    journal(tmp_path / "b", header("2/2"), *(seed(number) for number in range(101, 110, 2)))
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert (code, "2 of 2 parts" in output, "10: 10 PASS, 0 FAIL, 0 UNKNOWN" in output) == (0, True, True), output
    assert merged(tmp_path / "a", tmp_path / "b", tmp_path, results=tmp_path / "all") == (code, output)


def test_what_no_part_ran_is_unknown_and_named(tmp_path: Path) -> None:
    """A part that is missing, and one that ended before its last seed; nothing of them passes."""
    journal(tmp_path / "a", header("1/3"), *(seed(number) for number in (100, 103)))
    journal(tmp_path / "b", header("3/3"), *(seed(number) for number in (102, 105, 108)))
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert code == 3
    assert "2 of 3 parts, missing: 2/3" in output
    assert "10: 5 PASS, 0 FAIL, 5 UNKNOWN" in output
    assert "UNKNOWN, for they were not run: 101, 104, 106, 107, 109" in output
    # One of a hundred would be no reason for exit code 3 in a run that nothing is missing of.
    journal(tmp_path / "c", header("1/1", seeds=100), *(seed(number) for number in range(100, 199)))
    code, output = merged(tmp_path / "c", results=tmp_path / "all")
    assert (code, "not run: 199" in output) == (3, True)


def test_a_failure_of_one_part_fails_the_whole(tmp_path: Path) -> None:
    """Its minimal case is in the merged results."""
    document = {"flows": {"f": {"a": {}}}, "networks": {"base": {}}, "timeline": []}
    failed = replace(
        seed(101, Verdict.FAIL), failed=("S4",), minimal="name: x\n", shrunk=Shrunk(document, 5, whole=True)
    )
    journal(tmp_path / "a", header("1/2", seeds=2), seed(100))
    journal(tmp_path / "b", header("2/2", seeds=2), failed)
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert (code, "S4 window 1" in output) == (1, True), output
    assert (tmp_path / "all/swarm/101.yaml").read_text() == "name: x\n"


@pytest.mark.parametrize("other", [seed(100, Verdict.UNKNOWN), seed(100, digest="other")])
def test_a_seed_of_two_histories_is_a_fault_of_the_lab(tmp_path: Path, other: SeedOutcome) -> None:
    """Run twice it must come out the same on any machine; a part that was run twice alike counts once."""
    journal(tmp_path / "a", header("1/1", seeds=1), seed(100))
    journal(tmp_path / "b", header("1/1", seeds=1), seed(100))
    assert merged(tmp_path, results=tmp_path / "all")[0] == 0
    journal(tmp_path / "b", header("1/1", seeds=1), other)
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert (code, "two runs of the seed differ, which is a fault of the lab" in output) == (3, True)


@pytest.mark.parametrize(("name", "value"), [("lab", "0.1.0 def"), ("node", "anvil 2"), ("contract", "Mine 99")])
def test_parts_of_other_versions_are_not_merged(tmp_path: Path, name: str, value: str) -> None:
    """Lab, node and contract."""
    journal(tmp_path / "a", header("1/2"), seed(100))
    journal(tmp_path / "b", header("2/2", made={**MADE, name: value}), seed(101))
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert code == 2
    assert f"not made alike: {name} {MADE[name]} and {value}" in output


def test_parts_of_two_divisions_are_not_merged(tmp_path: Path) -> None:
    """Nor is a folder without results."""
    assert merged(tmp_path, results=tmp_path / "all")[0] == 2
    journal(tmp_path / "a", header("1/2"), seed(100))
    journal(tmp_path / "b", header("2/3"), seed(101))
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert (code, "parts of one division, got journals of 2 and of 3" in output) == (2, True)


def test_parts_of_a_mutation_run_are_one_score(tmp_path: Path) -> None:
    """Written as `lab mutate` writes it; a mutant that no part tried is named, and the run is not complete."""
    target = compile_target(system_under_test(contract=None, relayer_cmd=None))
    reviewed = read_reviewed(REFERENCE_CONTRACT)
    keys = [mutant.key for mutant in find_mutants(REFERENCE_CONTRACT) if mutant.key not in reviewed][:4]
    about = MutationFacts(
        started="now",
        lab={},
        contract=MutatedContract(name="x", source_sha256="a", bytecode_sha256="b"),
        library=LibraryUsed(runs=1, of=1, left_out=()),
    )
    work = MutationWork(keys=tuple(keys), every_run=False)
    for part, done in (("1/2", [keys[0], keys[2]]), ("2/2", [keys[1]])):
        of = JournalHeader(command="mutate", made_with=made_with(target), work=work, shard=part, about=about)
        written = Journal.begin(tmp_path / part[0] / "mutation" / "outcomes.jsonl", of, MutantOutcome, resume=False)
        for key in done:
            written.add(MutantOutcome(key, "killed", "ready", "S4", "why"))
    code, output = merged(tmp_path, results=tmp_path / "all")
    assert (code, f"not run: {keys[3]}" in output) == (3, True), output
    report = json.loads((tmp_path / "all/mutation/mutation.json").read_text())
    assert (report["mutants"]["killed"], report["score"]) == (3, 1.0)
    assert json.loads((tmp_path / "all/mutation/rows.json").read_text())["rows"][0]["verdict"] == "UNKNOWN"

    written = Journal.begin(tmp_path / "3" / "outcomes.jsonl", of, MutantOutcome, resume=False)
    for outcome, words in (
        (MutantOutcome(keys[1], "survived"), "survived here and killed elsewhere"),
        (MutantOutcome("Mine.vy:1 made up", "killed"), "none of them"),
    ):
        Journal.begin(written.path, of, MutantOutcome, resume=False).add(outcome)
        code, output = merged(tmp_path, results=tmp_path / "all")
        assert (code, words in output) == (2, True), output


def test_versions_follow_the_contract_and_its_names(tmp_path: Path) -> None:
    """A map of names that differs is another contract; files that outcomes depend on count, too."""
    target = compile_target(system_under_test(contract=None, relayer_cmd=None))
    names = target.codec.names.model_copy(update={"functions": {"pause": "halt"}})
    target.codec.names = names
    renamed = made_with(target)
    target.codec.names = names.model_copy(update={"functions": {}})
    assert made_with(target)["contract"] != renamed["contract"]
    scenario = tmp_path / "a.yaml"
    scenario.write_text("one")
    before = made_with(target, [scenario])
    scenario.write_text("two")
    assert before != made_with(target, [scenario])
    assert before["lab"] == renamed["lab"]


def test_pace_says_how_fast_and_how_long() -> None:
    """Nothing before the first outcome; no end where nobody knows the total."""
    assert [pace(0, 10, 5.0), pace(10, None, 5.0), pace(10, 100, 5.0)] == ["", "2/s", "2/s, 45 s left"]
    assert pace(100, 2_000, 1_000.0) == "0.1/s, 5 h 17 min left"
    assert pace(100, 200, 200.0) == "0.5/s, 3 min left"


def test_merging_starts_nothing(tmp_path: Path) -> None:
    """No node and no worker is needed where results are read."""
    journal(tmp_path, header("1/1", seeds=1), seed(100))
    words = [sys.executable, "-m", "lab.cli", "merge", str(tmp_path), "--results", str(tmp_path / "all")]
    done = subprocess.run(words, capture_output=True, text=True, env={"PATH": "", "HOME": str(tmp_path)}, check=False)
    assert (done.returncode, "1 PASS" in done.stdout) == (0, True), done.stderr
