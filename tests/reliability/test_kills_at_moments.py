"""SIGKILL at logical moments, spread evenly over a command: its n-th line of history, file, rename, child, connection.

Wall time hits what lasts long; here each step of a command is as likely as another, however short it is. LAB_TORTURE=20
makes eighty trials of two. The seed is printed; LAB_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend
from lab.commands.check import check_folder
from lab.errors import LabError
from lab.evidence import RunFolder
from lab.evidence.seal import STARTED

from .figures import Trials
from .killed import KINDS
from .mutants import FACTOR
from .test_kills import PATIENCE_S, SEED, TRIAL, image_here, image_named, next_run, what_is_left
from .test_kills import Trial as TimedTrial
from .victims import CHAIN_ID, Place, Victim, victims

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]

TRIALS = round(4 * FACTOR) if FACTOR >= 2 else 2
# The usual run takes these only: they are short.
SHORT = ("pytest", "report")
AT_ONCE = 3 if FACTOR >= 2 else 1
ENDLESS_S, DEADLINE_S = 20.0, 300.0
WRAPPER = str(Path(__file__).with_name("killed.py"))
VICTIMS = ("main", "main and watchers", "every python")
# A command on a backend -> how many events of a kind it has: measured once for each by a run that is not killed.
Counts = dict[tuple[str, str], dict[str, int]]


@dataclass(frozen=True)
class Moment:
    """What is killed, and at which event."""

    command: str
    backend: str
    victims: str
    kind: str
    number: int

    def __str__(self) -> str:
        return f"{self.command} on {self.backend}, {self.victims} at {self.kind} {self.number}"


@dataclass(frozen=True)
class Ground:
    """What all trials share."""

    known: dict[str, Victim]
    cache: Path
    image: str | None
    node: str

    def run(self, moment: Moment, folder: Path, counts: Path | None = None) -> list[str]:
        """What is wrong after a command that is killed at this moment, or that is not (number 0)."""
        name, victim = uuid4().hex, self.known[moment.command]
        place = Place(folder, folder / "results", self.node)
        temporary = folder / "tmp"
        temporary.mkdir(parents=True)
        more = victim.prepare(place)
        environment = {**os.environ, TRIAL: name, "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(self.cache)}
        environment |= {"HOME": str(folder), "COLUMNS": "120"} | place.variables
        environment |= {"LAB_TEST_COUNTS": str(counts)} if counts else {}
        module, *words = [*victim.words, *more]
        if "--backend" in words:
            words[words.index("--backend") + 1] = moment.backend
        call = [sys.executable, "-P", WRAPPER, moment.kind, str(moment.number), moment.victims, module, *words]
        image = self.image if moment.backend == "docker" else None
        with image_named(image, f"tesseract-lab/kill-test:{name}") as named:
            environment |= {"LAB_IMAGE": named} if named else {}
            with (folder / "output").open("wb") as output:
                started = subprocess.Popen(
                    call, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                    start_new_session=True,
                )  # fmt: skip
            _await(started, ENDLESS_S if victim.endless else DEADLINE_S, victim)
            if moment.command == "up":
                place.lab("down", "--results", str(place.results))
            troubles = what_is_left(name, temporary, named)
        if "Traceback" in (text := (folder / "output").read_text(errors="replace")):
            troubles.append(f"a traceback: {text[-2000:]}")
        try:
            if moment.number:
                troubles += victim.after(place)
        finally:
            victim.clean(place)
        return troubles + passed_unfinished(place.results)


def _await(started: subprocess.Popen[bytes], seconds: float, victim: Victim) -> None:
    try:
        started.wait(seconds)
    except subprocess.TimeoutExpired:
        # What runs until it is told to end is told; of anything else this is a finding of what is left.
        started.terminate() if victim.endless else started.kill()
        started.wait(PATIENCE_S)


def passed_unfinished(results: Path) -> list[str]:
    """The runs that did not come to their end and pass all the same."""
    passed = []
    for manifest in results.glob("*/*/manifest.json"):
        try:
            state = RunFolder(manifest.parent).manifest().get("state")
            if check_folder(manifest.parent) == 0 and state == STARTED:
                passed.append(f"{manifest.parent.name} was killed and is PASS")
        except LabError:
            continue
    return passed


@pytest.fixture
def node(shared_backend: ProcessBackend) -> Iterator[str]:
    """A chain of Sepolia's id that mines by itself: what `lab live` and `lab monitor` look at."""
    flags = ("--silent", "--block-time", "1", "--chain-id", str(CHAIN_ID), "--timestamp", str(int(time.time()) - 3600))
    (one,) = shared_backend.start_all([NodeSpec("sepolia", "kills", flags)])
    try:
        yield one.url
    finally:
        one.stop()


def moments(places: list[tuple[str, str]], counts: Counts, rng: random.Random) -> list[Moment]:
    """Every place before any is taken twice; kinds and victims in turn, the event drawn."""
    chosen: list[Moment] = []
    while len(chosen) < TRIALS:
        for place in rng.sample(places, len(places)):
            there = {kind: number for kind, number in counts[place].items() if number}
            kind = rng.choice(sorted(there) or ["file"])
            chosen.append(Moment(*place, rng.choice(VICTIMS), kind, rng.randint(1, there.get(kind, 1))))
    return chosen[:TRIALS]


def test_nothing_is_left_of_what_was_killed_at_a_moment(
    own_cache: Path, node: str, tmp_path: Path, trials: Trials
) -> None:
    """No process, container or directory; no run that passes without its end; next run and report as ever."""
    image = image_here() if FACTOR >= 2 else None
    known = victims(docker=image is not None)
    names = [name for name in known if FACTOR >= 2 or name in SHORT]
    places = [(name, "process") for name in names] + [(name, "docker") for name in names if known[name].on_docker]
    shared = Ground(known, own_cache, image, node)
    print(f"seed {SEED} (LAB_SEED), {TRIALS} trials of {len(places)} commands, image {image}")

    def measure(place: tuple[str, str]) -> tuple[dict[str, int], list[str]]:
        folder = tmp_path / f"whole-{'-'.join(place).replace(' ', '-')}"
        wrong = shared.run(Moment(*place, "main", KINDS[0], 0), folder, tmp_path / f"{folder.name}.json")
        file = tmp_path / f"{folder.name}.json"
        there = json.loads(file.read_text()) if file.exists() else {}
        print(f"{' on '.join(place)} has {there}; {wrong or 'ok'}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        return there, [f"{' on '.join(place)}, not killed: {trouble}" for trouble in wrong]

    def attempt(numbered: tuple[int, Moment]) -> list[str]:
        number, moment = numbered
        folder = tmp_path / str(number)
        begun = time.monotonic()
        wrong = shared.run(moment, folder)
        if number % 8 == 7:
            wrong += next_run(TimedTrial(moment.command, moment.backend, moment.victims, 0), folder, own_cache)
        took = f"{time.monotonic() - begun:.0f} s"
        print(f"{number:3} {moment}, {took}: {'ok' if not wrong else f'NOT OK {wrong}'}", flush=True)
        trials.add(findings=bool(wrong))
        shutil.rmtree(folder, ignore_errors=True)
        return [f"{moment}: {trouble}" for trouble in wrong]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        measured = list(pool.map(measure, places))
        counts = {place: there for place, (there, _) in zip(places, measured, strict=True)}
        chosen = moments(places, counts, random.Random(SEED))
        troubles = [text for wrong in pool.map(attempt, enumerate(chosen)) for text in wrong]
    troubles += [text for _, wrong in measured for text in wrong]
    assert not troubles, f"seed {SEED}:\n" + "\n".join(troubles)
