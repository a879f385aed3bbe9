"""SIGKILL at logical moments, spread evenly over a command: its n-th line of history, file, rename, child, connection.

Wall time hits what lasts long; here each step of a command is as likely as another, however short it is. LAB_TORTURE=20
makes forty trials of two. The seed is printed; LAB_SEED repeats it.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from lab.commands.check import check_folder
from lab.errors import LabError
from lab.evidence import RunFolder
from lab.evidence.seal import STARTED

from .figures import Trials
from .killed import KINDS
from .mutants import FACTOR
from .test_kills import (
    COMMANDS,
    ON_DOCKER,
    PATIENCE_S,
    SEED,
    TRIAL,
    image_here,
    image_named,
    next_run,
    what_is_left,
)
from .test_kills import Trial as TimedTrial

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]

TRIALS = max(1, round(2 * FACTOR))
WRAPPER = str(Path(__file__).with_name("killed.py"))
VICTIMS = ("main", "main and watchers", "every python")
# Those whose own process does the work, or starts it; the usual run takes the first only.
KILLED = ("pytest", "swarm", "mutate", "load", "up in the foreground", "up")
# Of a command, how many events of a kind there are: measured once for each by a run that is not killed.
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


def run_to(moment: Moment, folder: Path, cache: Path, image: str | None, counts: Path | None = None) -> list[str]:
    """What is wrong after a command that is killed at this moment, or that is not (number 0)."""
    name = uuid4().hex
    temporary, results = folder / "tmp", folder / "results"
    temporary.mkdir(parents=True)
    environment = {**os.environ, TRIAL: name, "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache)}
    environment |= {"HOME": str(folder), "COLUMNS": "120"} | ({"LAB_TEST_COUNTS": str(counts)} if counts else {})
    module, *words = COMMANDS[moment.command][0]
    if moment.command not in ("swarm", "mutate"):
        words += ["--backend", moment.backend]
    call = [sys.executable, "-P", WRAPPER, moment.kind, str(moment.number), moment.victims, module, *words]
    with image_named(image if moment.backend == "docker" else None, f"tesseract-lab/kill-test:{name}") as named:
        environment |= {"LAB_IMAGE": named} if named else {}
        with (folder / "output").open("wb") as output:
            started = subprocess.Popen(
                [*call, "--results", str(results)], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        if moment.command == "up in the foreground" and moment.number == 0:
            time.sleep(10)
            started.terminate()
        try:
            started.wait(300)
        except subprocess.TimeoutExpired:
            started.kill()
        if moment.command == "up":
            down = [sys.executable, "-m", "lab.cli", "down", "--results", str(results)]
            subprocess.run(down, env=environment, capture_output=True, timeout=PATIENCE_S, check=False)
        troubles = what_is_left(name, temporary, named)
    if "Traceback" in (text := (folder / "output").read_text(errors="replace")):
        troubles.append(f"a traceback: {text[-2000:]}")
    return troubles + passed_unfinished(results)


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


def test_nothing_is_left_of_what_was_killed_at_a_moment(own_cache: Path, tmp_path: Path, trials: Trials) -> None:
    """No process, container or directory; no run that passes without its end; next run and report as ever."""
    image = image_here() if FACTOR >= 2 else None
    commands = KILLED if FACTOR >= 2 else KILLED[:1]
    places = [(c, b) for c in commands for b in ("process", "docker") if b == "process" or (image and c in ON_DOCKER)]
    rng = random.Random(SEED)
    print(f"seed {SEED} (LAB_SEED), {TRIALS} trials, image {image}")
    counts: Counts = {}
    troubles: list[str] = []
    chosen: list[tuple[tuple[str, str], str, str]] = []
    while len(chosen) < TRIALS:
        every = [(place, victims, kind) for place in places for victims in VICTIMS for kind in KINDS]
        chosen += rng.sample(every, len(every))
    for number, ((command, backend), victims, kind) in enumerate(chosen[:TRIALS]):
        if (command, backend) not in counts:
            file = tmp_path / "counts"
            wrong = run_to(Moment(command, backend, "main", kind, 0), tmp_path / "whole", own_cache, image, file)
            troubles += [f"{command} on {backend}, not killed: {trouble}" for trouble in wrong]
            counts[command, backend] = json.loads(file.read_text()) if file.exists() else {}
            print(f"{command} on {backend} has {counts[command, backend]}", flush=True)
            shutil.rmtree(tmp_path / "whole")
        total = counts[command, backend].get(kind) or counts[command, backend].get("file") or 1
        kind = kind if counts[command, backend].get(kind) else "file"
        moment = Moment(command, backend, victims, kind, rng.randint(1, total))
        folder = tmp_path / str(number)
        found = run_to(moment, folder, own_cache, image)
        if number % 5 == 0:
            found += next_run(TimedTrial(command, backend, victims, 0), folder, own_cache)
        print(f"{number:3} {moment} of {total}: {'ok' if not found else f'NOT OK {found}'}", flush=True)
        trials.add(findings=bool(found))
        shutil.rmtree(folder, ignore_errors=True)
        troubles += [f"{moment}: {trouble}" for trouble in found]
    assert not troubles, f"seed {SEED}:\n" + "\n".join(troubles)
