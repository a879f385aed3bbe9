"""SIGKILL at random moments, over commands, backends and victims, lab and watchers together included: nothing is left.

LAB_TORTURE=20 makes twenty trials of one. The seed is printed; LAB_SEED repeats it.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from lab.chains.engine.client import connect
from lab.chains.processes.leftovers import sweep
from lab.errors import EnvironmentFailure
from lab.owner import LAB_LABEL
from lab.paths import SCENARIOS

from .figures import Trials
from .mutants import FACTOR

pytestmark = [pytest.mark.reliability, pytest.mark.real_clock]

TRIALS = max(1, round(FACTOR))
SEED = int(os.environ.get("LAB_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
PATIENCE_S = 120.0
# One environment variable for all that a trial starts, whoever starts it.
TRIAL = "LAB_TEST_TRIAL"
PYTHON = (sys.executable, "-m")
SCENARIO = str(SCENARIOS / "dependencies" / "chain_of_three.yaml")
REAL_CLOCK = str(SCENARIOS / "networks" / "real_clock.yaml")
LOAD = ("lab.cli", "load", "buffer", "--tps", "20", "--duration", "4", "--networks", "base")
# A command, and within how many seconds it is killed.
COMMANDS: dict[str, tuple[tuple[str, ...], float]] = {
    "pytest": (("pytest", SCENARIO, "-p", "no:cacheprovider"), 8.0),
    "pytest on the wall clock": (("pytest", REAL_CLOCK, "-p", "no:cacheprovider"), 15.0),
    "load": (LOAD, 15.0),
    "load of two workers": ((*LOAD, "--workers", "2"), 15.0),
    "load with flows": (("lab.cli", "load", "flow", "--tps", "4", "--duration", "6"), 20.0),
    "up": (("lab.cli", "up", "base", "optimism"), 10.0),
    "up in the foreground": (("lab.cli", "up", "base", "--foreground"), 10.0),
    "swarm": (("lab.cli", "swarm", "--seeds", "20"), 15.0),
    "mutate": (("lab.cli", "mutate", "--limit", "3", "--scenarios", str(SCENARIOS / "dependencies")), 25.0),
}
ON_DOCKER = ("pytest", "load", "up", "up in the foreground")
WATCHER, KEEPER = "processes/watcher.py", "keeper.py"


@dataclass(frozen=True)
class Process:
    """One of a trial."""

    pid: int
    words: str
    program: str = ""

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def main_of(processes: list[Process], started: int) -> list[Process]:
    """The command itself; where it has ended and left a supervisor, that."""
    return [p for p in processes if p.pid == started or "lab.session.up.supervisor" in p.words]


def watchers(processes: list[Process], started: int) -> list[Process]:
    return [p for p in processes if WATCHER in p.words]


def every_python(processes: list[Process], started: int) -> list[Process]:
    """All of the lab: commands, workers, watchers, keepers, the relayer; what is left to the kernel are the nodes."""
    return [p for p in processes if "python" in Path(p.program).name]


Choice = Callable[[list[Process], int], list[Process]]
VICTIMS: dict[str, tuple[Choice, ...]] = {
    "main": (main_of,),
    "main and watchers": (main_of, watchers),
    "watchers and main": (watchers, main_of),
    "every python": (every_python,),
}


@dataclass(frozen=True)
class Trial:
    """What is killed, and when."""

    command: str
    backend: str
    victims: str
    after_s: float

    def __str__(self) -> str:
        return f"{self.command} on {self.backend}, {self.victims} after {self.after_s:.2f} s"


def chosen_trials(backends: tuple[str, ...]) -> list[Trial]:
    """Every command on every backend that it has, in an order of the seed, as often as asked for."""
    rng = random.Random(SEED)
    kinds = [
        (command, backend, victims)
        for command in COMMANDS
        for backend in backends
        for victims in VICTIMS
        if backend == "process" or command in ON_DOCKER
    ]
    chosen: list[tuple[str, str, str]] = []
    while len(chosen) < TRIALS:
        chosen += rng.sample(kinds, len(kinds))
    return [Trial(*kind, rng.uniform(0.2, COMMANDS[kind[0]][1])) for kind in chosen[:TRIALS]]


def processes_of(trial: str) -> list[Process]:
    """All that carry its variable and live."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TRIAL) == trial and process.status() != psutil.STATUS_ZOMBIE:
                found.append(Process(process.pid, " ".join(words := process.cmdline()), words[0] if words else ""))
        except psutil.Error:
            continue
    return found


def containers_of(image: str) -> list[str]:
    """Those that were made of an image of this name, which is one trial's alone."""
    client = connect()
    try:
        found = client.api.containers(all=True, filters={"label": LAB_LABEL})
        return [str(container["Id"])[:12] for container in found if container["Image"] == image]
    finally:
        client.close()


@contextmanager
def image_named(base: str | None, name: str) -> Iterator[str]:
    """The image under a name of the trial's own."""
    if base is None:
        yield ""
        return
    client = connect()
    try:
        client.images.get(base).tag(name)
        yield name
        client.images.remove(name, force=False)
    finally:
        client.close()


def until(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


# Sweeping looks into the temporary folder, which is one for this process.
_sweeping = threading.Lock()


def sweep_in(folder: Path) -> list[str]:
    """What the next run's start would say, where this is its temporary folder."""
    said: list[str] = []
    with _sweeping:
        before, tempfile.tempdir = tempfile.tempdir, str(folder)
        try:
            sweep(said.append)
        finally:
            tempfile.tempdir = before
    return said


def what_is_left(name: str, temporary: Path, image: str) -> list[str]:
    """Of a trial that was killed: processes, directories, and containers of its image if it has one. It is removed."""
    troubles = []
    if not until(lambda: processes_of(name) == []):
        troubles.append(f"processes left: {processes_of(name)}")
        for process in processes_of(name):
            process.kill()
    said = sweep_in(temporary)
    if left := [path.name for path in temporary.iterdir() if path.name.startswith("tesseract-lab")]:
        troubles.append(f"directories left: {left}")
    if image and (containers := containers_of(image)):
        troubles.append(f"containers left: {containers}; the sweep said {said}")
        client = connect()
        for container in containers:
            client.api.remove_container(container, force=True)
        client.close()
    return troubles


def run_trial(trial: Trial, folder: Path, cache: Path, image: str | None) -> tuple[list[str], str]:
    """What is wrong after it, empty where nothing is; and what was running when it came to the kill."""
    name = uuid4().hex
    temporary, results = folder / "tmp", folder / "results"
    temporary.mkdir(parents=True)
    environment = {**os.environ, TRIAL: name, "TMPDIR": str(temporary), "XDG_CACHE_HOME": str(cache)}
    environment |= {"HOME": str(folder), "COLUMNS": "120"}
    words, _ = COMMANDS[trial.command]
    words = (*PYTHON, *words, "--results", str(results))
    if trial.command not in ("swarm", "mutate"):
        words = (*words, "--backend", trial.backend)
    with image_named(image if trial.backend == "docker" else None, f"tesseract-lab/kill-test:{name}") as named:
        environment |= {"LAB_IMAGE": named} if named else {}
        with (folder / "output").open("wb") as output:
            started = subprocess.Popen(
                words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        time.sleep(trial.after_s)
        running = processes_of(name)
        caught = f"{len(running)} running" + (", the command had ended" if started.poll() is not None else "")
        for choice in VICTIMS[trial.victims]:
            for victim in choice(running, started.pid):
                victim.kill()
        if trial.command == "up":
            # Networks stay where only the command that started them was killed: that is what they are for.
            until(lambda: started.poll() is not None)
            down = [*PYTHON, "lab.cli", "down", "--results", str(results)]
            subprocess.run(down, env=environment, capture_output=True, timeout=PATIENCE_S, check=False)
        troubles = what_is_left(name, temporary, named)
        started.wait()
    if "Traceback" in (text := (folder / "output").read_text(errors="replace")):
        troubles.append(f"a traceback: {text[-2000:]}")
    return troubles, caught


def next_run(trial: Trial, folder: Path, cache: Path) -> list[str]:
    """What is wrong with the run and the report that follow in the same folders."""
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "XDG_CACHE_HOME": str(cache), "COLUMNS": "120"}
    results = str(folder / "results")
    again = [*PYTHON, "pytest", SCENARIO, "--backend", "process", "--results", results, "-p", "no:cacheprovider"]
    report = [*PYTHON, "lab.cli", "report", results]
    troubles = []
    for words, codes in ((again, (0,)), (report, (0, 1, 3))):
        done = subprocess.run(
            words, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        said = done.stdout + done.stderr
        if done.returncode not in codes or "Traceback" in said:
            troubles.append(f"`{' '.join(words)}` ended with {done.returncode}: {said[-2000:]}")
    if left := [path.name for path in (folder / "tmp").iterdir() if path.name.startswith("tesseract-lab")]:
        troubles.append(f"directories left after the next run: {left}")
    return troubles


def image_here() -> str | None:
    """The image that nodes are started of; None where there is no engine, or no image."""
    from lab.chains.nodes.select import find_image

    try:
        return find_image(pull=False)[0]
    except EnvironmentFailure:
        return None


def test_nothing_is_left_of_what_was_killed(own_cache: Path, tmp_path: Path, trials: Trials) -> None:
    """No process, no container, no directory; and the next run and the report are as ever."""
    image = image_here()
    chosen = chosen_trials(("process", "docker") if image else ("process",))
    print(f"seed {SEED} (LAB_SEED), {len(chosen)} trials, image {image}")

    def attempt(number: int) -> list[str]:
        trial, folder = chosen[number], tmp_path / str(number)
        begun = time.monotonic()
        troubles, caught = run_trial(trial, folder, own_cache, image)
        if number % 5 == 0:
            troubles += next_run(trial, folder, own_cache)
        trials.add(findings=bool(troubles))
        outcome = "ok" if not troubles else f"NOT OK {troubles}"
        print(f"{number:3} {trial} ({caught}; {time.monotonic() - begun:.0f} s): {outcome}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        return [f"{trial}: {trouble}" for trouble in troubles]

    with ThreadPoolExecutor(2) as pool:
        troubles = [trouble for found in pool.map(attempt, range(len(chosen))) for trouble in found]
    assert not troubles, f"seed {SEED}:\n" + "\n".join(troubles)
