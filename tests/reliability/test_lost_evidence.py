"""Any part of a run's evidence destroyed in any way: a failure stays one as long as anything that is left shows it.

The evidence is of real runs, one that passes and two that fail: by an expectation, and by checks alone. LAB_TORTURE=20
tries more of the mixed damages; LAB_SEED chooses others.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.commands.check import check_folder
from lab.deploy.deployer import deployable
from lab.errors import UsageError
from lab.evidence.manifest import RunManifest
from lab.evidence.outcomes import OUTCOMES, note_outcome
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT, SCENARIOS
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from tests.compiling import compile_once

from .figures import Trials
from .mutants import FACTOR, SEED
from .recorded_project import RecordedProject
from .test_forgeries import CHECKLIST, SCENARIO

pytestmark = pytest.mark.reliability

# Beside the folder; the others are in it. Each of these alone shows a failure, but for the metrics.
FILES = ("history.jsonl", "verdict.json", "manifest.json", "metrics.json", OUTCOMES)
TELLING = frozenset(FILES) - {"metrics.json"}
# What makes the first two runs of different verdicts is the expected state; the third is of a contract that a check
# catches.
CLEAN = {"commit": "ab" * 20, "dirty": False}
RUNS = {"good": "BUFFERED", "unmet": "EXECUTED", "checked": ""}
CAUGHT, CAUGHT_IN = "broken/transition_without_event.vy", SCENARIOS / "failures" / "window_boundaries.yaml"
SUBSETS = [names for size in range(1, len(FILES) + 1) for names in itertools.combinations(FILES, size)]
MIXED = round(60 * FACTOR)


def emptied(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def deleted(path: Path, rng: random.Random) -> None:
    path.unlink()


def cut(path: Path, rng: random.Random) -> None:
    """Somewhere, or behind some line: what is left can still be read."""
    content = path.read_bytes()
    ends = [place + 1 for place, byte in enumerate(content[:-1]) if byte == ord("\n")]
    places = [rng.randrange(len(content) - 1), *rng.sample(ends, k=min(1, len(ends)))]
    path.write_bytes(content[: rng.choice(places)])


def overwritten(path: Path, rng: random.Random) -> None:
    """With bytes that are no text, from some place on."""
    content = bytearray(path.read_bytes())
    start = rng.randrange(len(content))
    end = min(len(content), start + rng.randrange(1, 200))
    content[start:end] = b"\xff" + rng.randbytes(end - start - 1)
    path.write_bytes(bytes(content))


DAMAGES: dict[str, Callable[[Path, random.Random], None]] = {
    "deleted": deleted, "emptied": emptied, "cut": cut, "overwritten": overwritten,
}  # fmt: skip


class Project(RecordedProject):
    """One that can be left with a single run, and whose files are named as the damages are."""

    def file(self, name: str, file: str) -> Path:
        return (self.run(name).parent if file == OUTCOMES else self.run(name)) / file

    def only(self, name: str) -> None:
        """Leave one run, and what stands of it beside its folder."""
        for other in RUNS.keys() - {name}:
            shutil.rmtree(self.run(other))
        path = self.run(name).parent / OUTCOMES
        path.write_text("".join(line for line in path.read_text().splitlines(True) if f'"{name}"' in line))


@pytest.fixture(scope="module")
def original(shared_backend: ProcessBackend, tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    for name, state in RUNS.items():
        path = project.path / f"{name}.yaml" if state else CAUGHT_IN
        if state:
            path.write_text(SCENARIO.format(word=name, state=state))
        (project.path / f"{name}-checklist.yaml").write_text(CHECKLIST.format(scenario=name))
        target = deployable(compile_once(REFERENCE_CONTRACT if state else REFERENCE_CONTRACT.parent / CAUGHT))
        item, *_ = load_scenario(path, known_checks=CHECKS)
        options = Options(shared_backend, "test", target, "t", recorded_as=f"scenarios/{name}.yaml")
        result = run_item(item, options, project.run(name), f"pytest {name}.yaml")
        assert result.verdict.verdict is (Verdict.PASS if name == "good" else Verdict.FAIL)
        manifest = result.folder.manifest()
        made_with = RunManifest.read(manifest | {"lab": CLEAN}).made_with
        note_outcome(project.run(name), manifest, str(result.verdict.verdict), made_with=made_with)
    return project


@pytest.fixture(params=RUNS)
def damage(
    request: pytest.FixtureRequest, original: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, str], random.Random], tuple[str, int, int]]:
    """Does damages, by the files' names, to a copy; the run's name, and the exit codes of `lab report` and `check`."""
    name: str = request.param
    numbers = itertools.count()

    def damaged(damages: dict[str, str], rng: random.Random) -> tuple[str, int, int]:
        project = Project(shutil.copytree(original.path, tmp_path / str(next(numbers))))
        monkeypatch.chdir(project.path)
        project.only(name)
        for file, how in damages.items():
            DAMAGES[how](project.file(name, file), rng)
        reported = project.report(name)
        try:
            checked = check_folder(project.run(name).parent)
        except UsageError:
            checked = 2
        shutil.rmtree(project.path)
        return name, reported, checked

    return damaged


Damage = Callable[[dict[str, str], random.Random], tuple[str, int, int]]


def problems(damage: Damage, all_damages: Iterable[dict[str, str]]) -> tuple[int, list[str]]:
    """How many were tried, and which of them gained a PASS or lost a FAIL."""
    tried, found = 0, list[str]()
    for damages in all_damages:
        rng = random.Random(f"{SEED} {sorted(damages.items())}")
        name, reported, checked = damage(damages, rng)
        tried += 1
        if name == "good":
            inside = damages.keys() - {OUTCOMES}
            right = (reported, checked) in ([(3, 3), (3, 2)] if inside else [(0, 0)])
        elif TELLING - damages.keys():
            right = reported == checked == 1
        else:
            # What was cut late or overwritten in few places may still show it.
            right = 0 not in (reported, checked)
        if not right:
            found.append(f"{damages}: lab report ended with {reported}, lab check with {checked}")
    return tried, found


@pytest.mark.parametrize("how", DAMAGES)
def test_every_part_destroyed(damage: Damage, how: str, trials: Trials) -> None:
    """Each set of files in one way: FAIL while one that shows it is whole; never PASS, nor a FAIL of what passed."""
    tried, found = problems(damage, (dict.fromkeys(names, how) for names in SUBSETS))
    trials.add(tried, findings=len(found))
    assert not found, "\n".join(found)


def test_parts_destroyed_in_several_ways(damage: Damage, trials: Trials) -> None:
    """Each file in a way of its own."""
    rng = random.Random(SEED)
    chosen = ({file: rng.choice(tuple(DAMAGES)) for file in rng.choice(SUBSETS)} for _ in range(MIXED))
    tried, found = problems(damage, list(chosen))
    trials.add(tried, findings=len(found))
    assert not found, "\n".join(found)


def test_a_folder_that_is_gone(original: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands beside it is enough; a folder of its name in a later session is not, if that is of another item."""
    project = Project(shutil.copytree(original.path, tmp_path / "project"))
    monkeypatch.chdir(project.path)
    good = shutil.copytree(project.run("good"), tmp_path / "good")
    project.only("unmet")
    shutil.rmtree(project.run("unmet"))
    assert project.report("unmet") == 1
    assert check_folder(project.run("unmet")) == 1
    assert not project.run("unmet").exists()
    shutil.copytree(good, project.results / "20991126-090000-0000" / "unmet")
    assert project.report("unmet") == 1
