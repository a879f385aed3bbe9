"""Mutants against a library: compiled, killed or not, in an order that learns; the library's reading; the score."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.deploy.vyper.source import project_root, read_source
from lab.errors import LabError
from lab.explore.bench import open_bench
from lab.explore.mutate.behaviour import covering
from lab.explore.mutate.build import Workshop
from lab.explore.mutate.equivalent import ReviewedMutant, read_reviewed
from lab.explore.mutate.fit import fit_runs
from lab.explore.mutate.library import load_library
from lab.explore.mutate.mutants import Mutant, find_mutants
from lab.explore.mutate.order import Order
from lab.explore.mutate.run import chosen
from lab.explore.mutate.score import Score
from lab.explore.mutate.sites import Change
from lab.explore.mutate.trial import MutantOutcome, MutantTask, MutationOpener, scenario_files, try_mutant
from lab.model.verdict import Verdict
from lab.paths import CONTRACTS, REFERENCE_CONTRACT
from lab.report.evidence.figures import read_figures
from lab.report.evidence.mutation_counts import read_mutation
from lab.report.records.row_verdict import RowVerdict
from lab.session.suite import compile_target
from lab.session.under_test import VIRTUAL, system_under_test

COUNTER = Path(__file__).parent / "counter.vy"
SCENARIO = """
name: A buffered transaction becomes READY in its window
description: By hand.
networks: {polygon: {}}
relayer: none
flows: {f: {a: {chain: polygon, at: +20s}}}
timeline:
  - {at: 0s, buffer: f}
  - {at: 30s, resolve: f.a, expect: {event: TransactionReady}}
  - {execute: f.a}
"""
PYTHON = """
import pytest
SETUP = "name: A\\ndescription: B.\\nnetworks: {polygon: {}}\\nrelayer: none"

def play(script):
    script.expect_equal("the count", script.read("polygon", "transaction_count"), 0)

def test_plain(lab_run):
    lab_run(SETUP, play)

@pytest.mark.parametrize("number", [1, 2])
def test_many(lab_run, number):
    lab_run(SETUP, play)

def test_other(tmp_path, lab_run):
    lab_run(SETUP, play)

def test_none(lab_run):
    pass

def test_real(lab_run):
    lab_run(SETUP + "\\nclock: real", play)

def test_at_the_walls_speed(lab_run):
    lab_run(SETUP, play, wall=True)

def test_skipped(lab_run):
    pytest.skip("no such program")
"""


@pytest.fixture
def scenarios(tmp_path: Path) -> Path:
    """A library of one YAML file, one in Python, one about volume, one about documents and one under the real clock."""
    folder = tmp_path / "scenarios"
    (folder / "stress").mkdir(parents=True)
    (folder / "ready.yaml").write_text(SCENARIO)
    (folder / "slow.yaml").write_text(SCENARIO.replace("relayer: none", "relayer: none\nclock: real"))
    (folder / "test_python.py").write_text(PYTHON)
    for apart in ("documentation", "stress"):
        (folder / apart).mkdir(exist_ok=True)
        (folder / apart / "test_big.py").write_text(PYTHON)
    return folder


def test_the_library_is_read_without_pytest(scenarios: Path) -> None:
    """Parameters multiply; what needs more than `lab_run` says so."""
    library = load_library(scenarios)
    assert list(library.items) == [
        "ready", "test_python.test_many[0]", "test_python.test_many[1]", "test_python.test_plain",
    ]  # fmt: skip
    assert [each.split(": ")[1] for each in library.left_out] == [
        "runs under the real clock", "is about documents, not about what the contract does",
        "is about volume, and takes its time", "runs at the wall's speed", "asks for no run", "needs tmp_path",
        "runs under the real clock", "ends before its run",
    ]  # fmt: skip
    assert library.left_out[-1].endswith("Skipped: no such program")


def test_a_file_that_skips_itself_is_left_out(tmp_path: Path) -> None:
    """As pytest leaves it out, with the reason."""
    (tmp_path / "test_all.py").write_text("import pytest\npytest.skip('no Node.js', allow_module_level=True)\n")
    assert load_library(tmp_path).left_out == ("test_all: cannot be imported: Skipped: no Node.js",)


def test_outcomes_of_pytest_inside_a_run_are_read(tmp_path: Path) -> None:
    """`pytest.fail` fails the run; one that skips itself half-way is no run to judge by, and no crash."""
    text = PYTHON.partition("@pytest")[0]
    (tmp_path / "test_fails.py").write_text(
        text.replace("def play(script):", "def play(script):\n    pytest.fail('no')")
    )
    (tmp_path / "test_skips.py").write_text(
        text.replace("def play(script):", "def play(script):\n    pytest.skip('no')")
    )
    system = system_under_test(contract=None, relayer_cmd=None)
    with closing(open_bench("test", system)) as bench:
        fails, skips = load_library(tmp_path).items.values()
        assert bench.run(fails.item, play=fails.play).verdict.verdict is Verdict.FAIL
        with pytest.raises(LabError, match="skips itself: no"):
            bench.run(skips.item, play=skips.play)


# A third of the reference's work for the compiler.
PLAIN = CONTRACTS / "plain" / "PlainCoordinator.vy"


def named(function: str, operator: str, before: str, after: str) -> Mutant:
    """A mutant of the plain contract."""
    return next(
        mutant
        for mutant in find_mutants(PLAIN)
        if (mutant.function, mutant.operator, mutant.before, mutant.after) == (function, operator, before, after)
    )


def test_mutants_are_killed_survive_or_are_none(scenarios: Path) -> None:
    """A READY that is never stored is noticed; a bound that nothing tries is not; the same code is no mutant."""
    tools = MutationOpener("test", PLAIN, scenarios)()
    try:
        source = tools.workshop.build(PLAIN, PLAIN.read_text())
        root = project_root(PLAIN)

        def task(mutant: Mutant) -> MutantTask:
            return MutantTask(mutant, mutant.file.relative_to(root), ("ready",), source.bytecode)

        stuck = named("resolve_dependency", "comparison", ">", "<=")
        killed = try_mutant(tools, task(stuck))
        assert (killed.status, killed.scenario, killed.runs) == ("killed", "ready", 1), killed.doubted
        survived = try_mutant(tools, task(named("set_coordination_window", "comparison", "<=", "<")))
        assert (survived.status, survived.doubted) == ("survived", ())
        size = len(stuck.original)
        same = replace(stuck, change=Change("comment", size, size, "# a comment\n"))
        assert try_mutant(tools, task(same)).status == "equivalent"
        refused = try_mutant(tools, task(replace(stuck, change=Change("none", 0, size, "no source"))))
        assert refused.status == "refused"
        assert refused.why
    finally:
        tools.close()


LOOKS_AT_CODE = """
from pathlib import Path
SETUP = "name: A\\ndescription: B.\\nnetworks: {polygon: {}}\\nrelayer: none"

def behaves(script):
    script.expect_equal("the count", script.read("polygon", "transaction_count"), 0)

def is_the_source(script):
    target = script.run.lab.spec.target
    script.expect_equal("the code", target.contract.bytecode_sha256, DIGEST)

def test_behaves(lab_run):
    lab_run(SETUP, behaves)

def test_is_the_source(lab_run):
    lab_run(SETUP, is_the_source)
"""


def test_a_run_that_looks_at_the_code_kills_no_mutant(tmp_path: Path) -> None:
    """Any mutant would fail it, equivalent ones too: the control is other code that does the same."""
    system = system_under_test(contract=PLAIN, relayer_cmd=None).with_reference_relayer(VIRTUAL)
    digest = compile_target(system).contract.bytecode_sha256
    (tmp_path / "test_all.py").write_text(LOOKS_AT_CODE.replace("DIGEST", repr(digest)))
    fit = fit_runs(MutationOpener("test", PLAIN, tmp_path), lambda number, name: None, jobs=2)
    assert list(fit.costs) == ["test_all.test_behaves"]
    (line,) = fit.left_out
    assert line.startswith("test_all.test_is_the_source: looks at the code, and not at what it does"), line


@pytest.mark.parametrize("contract", [PLAIN, REFERENCE_CONTRACT, COUNTER], ids=lambda path: path.stem)
def test_a_control_is_other_code(tmp_path: Path, contract: Path) -> None:
    """Whatever optimisation the source asks for."""
    workshop = Workshop(read_source(contract), tmp_path / "a", tmp_path / "cache")
    control = workshop.control()
    assert control is not None
    original = workshop.build(contract, contract.read_text())
    assert (control.refused, control.abi) == (None, original.abi)
    assert control.bytecode != original.bytecode


def test_a_workshop_keeps_what_it_compiled(tmp_path: Path) -> None:
    """The second time it comes from the cache, whichever workshop asks; the sources are as they were."""
    text = COUNTER.read_text()
    first = Workshop(read_source(COUNTER), tmp_path / "a", tmp_path / "cache")
    other = text.replace("> 10", "> 11")
    built = first.build(COUNTER, other)
    assert built.refused is None
    assert built.bytecode != first.build(COUNTER, text).bytecode
    (kept,) = [path for path in (tmp_path / "cache").iterdir() if built.bytecode in path.read_text()]
    kept.write_text(json.dumps({"abi": [], "bytecode": "0xkept", "refused": None}))
    again = Workshop(read_source(COUNTER), tmp_path / "b", tmp_path / "cache")
    assert again.build(COUNTER, other).bytecode == "0xkept"


def test_the_order_learns_from_neighbours_first() -> None:
    """What killed in the same function, then what killed most, then what is worth most."""
    here, there = find_mutants(COUNTER)[5], find_mutants(COUNTER)[-1]
    assert here.function != there.function
    order = Order({"a": 1.0, "b": 3.0, "c": 2.0})
    assert order.for_mutant(here) == ("b", "c", "a")
    order.learn(there, MutantOutcome(there.key, "killed", "a"))
    order.learn(there, MutantOutcome(there.key, "killed", "a"))
    order.learn(here, MutantOutcome(here.key, "killed", "c"))
    assert order.for_mutant(here) == ("c", "a", "b")
    assert order.for_mutant(there) == ("a", "c", "b")


def test_the_covering_runs_show_everything_once() -> None:
    """The biggest first, nothing that adds nothing, and whatever must be in."""
    shown = {"big": frozenset("abc"), "part": frozenset("ab"), "other": frozenset("cd"), "python": frozenset[str]()}
    assert covering(shown) == ("big", "other")
    assert covering(shown, ["python"]) == ("python", "big", "other")
    assert covering({}) == ()


def test_a_sample_is_the_same_each_time() -> None:
    """So many, in the order of the source."""
    mutants = find_mutants(COUNTER)
    sample = chosen(mutants, 7, "a")
    assert sample == chosen(mutants, 7, "a")
    assert sample != chosen(mutants, 7, "b")
    assert len(sample) == 7
    assert sample == sorted(sample, key=mutants.index)
    assert chosen(mutants, None, "a") == mutants == chosen(mutants, 10_000, "a")


def test_a_sample_hangs_on_scenarios_of_both_kinds(tmp_path: Path) -> None:
    """In folders below, too; not on what no scenario stands in."""
    for name in ("one.yaml", "below/test_two.py", "conftest.py", ".hidden/test_three.py", "below/three.yml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    names = [path.relative_to(tmp_path).as_posix() for path in scenario_files(tmp_path)]
    assert names == ["below/test_two.py", "below/three.yml", "one.yaml"]


ABOUT: dict[str, Any] = {
    "started": "2026-11-24T05:00:00+00:00", "lab": {"commit": "ab" * 20, "dirty": False},
    "complete": True, "sampled": False,
    "contract": {"name": "counter.vy", "bytecode_sha256": "cd" * 32},
}  # fmt: skip


@pytest.mark.parametrize(
    ("killed", "survived", "tested", "verdict"),
    [
        (143, 7, "all", RowVerdict.PASS),
        (142, 8, "all", RowVerdict.FAIL),
        # Of fewer, and of a sample, 95% have to follow with 95% confidence.
        (59, 0, "all", RowVerdict.PASS),
        (58, 0, "all", RowVerdict.UNKNOWN),
        (104, 1, "sample", RowVerdict.PASS),
        (143, 7, "sample", RowVerdict.UNKNOWN),
        (80, 12, "sample", RowVerdict.FAIL),
        (150, 0, "some", RowVerdict.UNKNOWN),
    ],
)
def test_the_score_speaks_of_the_row_about_bugs_in_the_contract(
    tmp_path: Path, killed: int, survived: int, tested: str, verdict: RowVerdict
) -> None:
    """Read back by the readiness report; what somebody chose to test proves nothing either way."""
    (mutant,) = find_mutants(COUNTER)[:1]
    outcomes = [MutantOutcome(mutant.key, "killed", "ready", "S4", "why")] * killed
    outcomes += [MutantOutcome(mutant.key, "survived")] * survived
    Score({mutant.key: mutant}, outcomes, {}).write(
        tmp_path, ABOUT | {"complete": tested == "all", "sampled": tested == "sample"}
    )
    (figure,), unread = read_figures(tmp_path, datetime(2026, 11, 24, 6, tzinfo=UTC))
    assert (figure.row, figure.verdict, figure.n, figure.failures) == ("RTE-01", verdict, killed + survived, survived)
    assert (figure.source.contract_sha256, figure.source.commit, unread) == ("cd" * 32, "ab" * 20, [])
    assert read_mutation(tmp_path)[0].counts == {"killed": killed, "survived": survived, "undecided": 0}


@pytest.mark.parametrize("lost", [("rows.json",), ("manifest.json",), ("rows.json", "manifest.json"), (".",)])
@pytest.mark.parametrize("emptied", [True, False], ids=["emptied", "deleted"])
def test_a_score_that_failed_is_not_softened_by_damage(tmp_path: Path, lost: tuple[str, ...], emptied: bool) -> None:
    """What stands beside the folder is enough, until a later run there says something else."""
    (mutant,) = find_mutants(COUNTER)[:1]
    about = ABOUT | {"complete": True, "sampled": False}
    killed = [MutantOutcome(mutant.key, "killed", "ready", "S4", "why")] * 142
    caught, folder = Score({mutant.key: mutant}, killed + killed[:8], {}), tmp_path / "mutation"
    missed = Score({mutant.key: mutant}, killed + [MutantOutcome(mutant.key, "survived")] * 8, {})
    for score in (caught, missed):
        score.write(tmp_path, about)
    for path in [folder] if lost == (".",) else [folder / name for name in lost]:
        if path.is_dir():
            shutil.rmtree(path)
        elif emptied:
            path.write_bytes(b"")
        else:
            path.unlink()
    (figure,), _ = read_figures(tmp_path, datetime(2026, 11, 24, 6, tzinfo=UTC))
    assert (figure.row, figure.verdict, figure.source.item) == ("RTE-01", RowVerdict.FAIL, "lab mutate")
    assert "142 of 150 mutants killed" in figure.reason
    caught.write(tmp_path, about)
    (figure,), _ = read_figures(tmp_path, datetime(2026, 11, 24, 6, tzinfo=UTC))
    assert figure.verdict is RowVerdict.PASS


def scored(results: Path, survived: int, project: Sequence[str], started: str) -> Path:
    """A run of all mutants; its folder."""
    (mutant,) = find_mutants(COUNTER)[:1]
    outcomes = [MutantOutcome(mutant.key, "killed", "ready", "S4", "why")] * (150 - survived)
    outcomes += [MutantOutcome(mutant.key, "survived")] * survived
    about = ABOUT | {"complete": True, "started": f"2026-11-23T{started}:00+00:00"}
    return Score({mutant.key: mutant}, outcomes, {}).write(results, about, project)[0].parent


def shown(results: Path) -> dict[str, RowVerdict]:
    """The verdict of each folder that a report reads."""
    figures, _ = read_figures(results, datetime(2026, 11, 24, 6, tzinfo=UTC))
    return {figure.source.folder: figure.verdict for figure in figures}


def test_each_project_that_shares_a_folder_has_its_own_score(tmp_path: Path) -> None:
    """The pass of one hides no failure of the other; each stands for its own last run, whatever it was known by."""
    assert scored(tmp_path, 9, ["commit-a", "origin-a"], "01:00").name == "mutation"
    assert scored(tmp_path, 0, ["commitb1"], "02:00").name == "mutation-commitb1"
    assert shown(tmp_path) == {"mutation": RowVerdict.FAIL, "mutation-commitb1": RowVerdict.PASS}
    counted, notes = read_mutation(tmp_path)
    assert counted.counts["survived"] == 0
    assert notes == ["2 projects have a mutation score: that of mutation-commitb1 is shown"]
    shutil.rmtree(tmp_path / "mutation")
    assert shown(tmp_path)["mutation"] is RowVerdict.FAIL
    assert scored(tmp_path, 0, ["origin-a"], "03:00").name == "mutation"
    assert set(shown(tmp_path).values()) == {RowVerdict.PASS}


def test_a_score_that_does_not_say_its_project_is_kept(tmp_path: Path) -> None:
    """As an earlier version wrote it: of the only project that is known, and by itself beside several."""
    scored(tmp_path, 9, (), "01:00")
    assert scored(tmp_path, 0, ["commita1"], "02:00").name == "mutation-commita1"
    assert shown(tmp_path) == {"mutation-commita1": RowVerdict.PASS}
    scored(tmp_path, 0, ["commitb1"], "03:00")
    assert shown(tmp_path)["mutation"] is RowVerdict.FAIL


@pytest.mark.parametrize("left", [("mutation.json",), ("outcomes.jsonl", "mutation.txt")])
def test_what_is_left_of_another_score_is_not_overwritten(tmp_path: Path, left: tuple[str, ...]) -> None:
    """Nobody knows whose it was: the row is UNKNOWN as long as it is there."""
    (tmp_path / "mutation").mkdir()
    for name in left:
        (tmp_path / "mutation" / name).write_text("")
    assert scored(tmp_path, 0, ["commita1"], "02:00").name == "mutation-commita1"
    assert shown(tmp_path) == {"mutation-commita1": RowVerdict.UNKNOWN}


def test_the_score_leaves_equivalents_out_and_finds_wrong_entries(tmp_path: Path) -> None:
    """Two of three that are not equivalent were killed; an entry for a killed one is wrong."""
    mutants = {mutant.key: mutant for mutant in find_mutants(COUNTER)[:6]}
    keys = list(mutants)
    outcomes = [
        MutantOutcome(keys[0], "killed", "ready", "S4", "why"), MutantOutcome(keys[1], "killed", "ready", "S4", "why"),
        MutantOutcome(keys[2], "survived"), MutantOutcome(keys[3], "survived"),
        MutantOutcome(keys[4], "equivalent"), MutantOutcome(keys[5], "refused"),
    ]  # fmt: skip
    reviewed = {key: ReviewedMutant(key=key, change="c", reason="nobody can tell") for key in (keys[1], keys[3])}
    score = Score(mutants, outcomes, reviewed)
    assert (score.valid, round(score.value, 3), score.exit_code) == (4, 0.667, 1)
    assert [outcome.key for outcome in score.misjudged] == [keys[1]]
    files = score.write(tmp_path, ABOUT)
    document = json.loads(files[0].read_text())
    assert document["mutants"] == {
        "valid": 4, "killed": 2, "survived": 1, "equivalent": 1, "same_code": 1, "refused": 1,
    }  # fmt: skip
    assert mutants[keys[2]].diff() in files[1].read_text()
    assert Score(mutants, outcomes[4:], {}).exit_code == 3
    assert Score(mutants, outcomes[:1], {}).exit_code == 0


def test_the_reviewed_list_beside_a_contract(tmp_path: Path) -> None:
    """By key, each with a reason; no list is an empty one."""
    assert read_reviewed(tmp_path / "a.vy") == {}
    (tmp_path / "equivalent-mutants.yaml").write_text(
        "mutants:\n  - {key: a.b.c, change: 1 -> 2, reason: the compiler folds it}\n"
    )
    assert read_reviewed(tmp_path / "a.vy")["a.b.c"].reason == "the compiler folds it"


def test_every_entry_of_the_reference_names_a_mutant() -> None:
    """An entry whose source has changed would silently excuse nothing."""
    known = {mutant.key for mutant in find_mutants(REFERENCE_CONTRACT)}
    assert set(read_reviewed(REFERENCE_CONTRACT)) <= known
