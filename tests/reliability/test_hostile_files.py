"""Whatever lies where a file or a folder is expected, a command says so: no traceback, no hang, less than 300 MB.

Pipes, devices, sockets, links in circles, folders, 2 GB of nothing, JSON and YAML nested deep, a billion laughs,
millions of lines; in place of every option that names a path, and of every file of a results folder.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from lab.cli import app
from lab.evidence.seal import write_sealed
from lab.paths import LOADTESTS, REFERENCE_CONTRACT
from lab.report.release.bundle import write_bundle
from tests.unit.report.evidence.test_figures import load_run
from tests.unit.report.evidence.test_mutation_counts import WRITTEN
from tests.unit.test_cli import SCENARIO, recorded_run

from .caller import Caller, Outcome, calling
from .figures import Trials
from .hostile import NAMES, THINGS, Things
from .mutants import FACTOR, SEED, commands, count
from .test_mutants import UP_SESSION, UP_STATE

pytestmark = pytest.mark.reliability

# Parameters that name a contract, a catalogue and so on: what they take is told from its suffix.
SUFFIXES = {
    "contract": (".vy", ".json", ".bin"), "path": (".vy", ".json", ""), "profile": (".yaml",), "name": (".yaml",),
    "checklist": (".yaml",), "source": (".md",), "paths": (".yaml",), "names": (".yaml",),
}  # fmt: skip
# Whoever takes these words looks at nothing, and writes where it is told to: the analysis of a contract takes seconds.
LEFT_OUT = {("analyse", "sarif")}


@dataclass(frozen=True)
class Shelf:
    """Everything that the trials of this module share."""

    lab: Caller
    things: Things
    links: Path

    def named(self, kind: str, suffix: str) -> Path:
        """A thing under a name with this suffix."""
        link = self.links / f"{list(THINGS).index(kind)}{suffix}"
        if not link.is_symlink():
            self.things.put(kind, link)
        return link


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "links").mkdir()
    with calling(folder / "caller") as lab:
        yield Shelf(lab, Things(folder / "things"), folder / "links")
    shutil.rmtree(folder, ignore_errors=True)


def words_of(names: tuple[str, ...], command: Any, of: Any, value: str) -> list[str]:
    """The command line with this value for one of its parameters."""
    words = list(names)
    for parameter in command.params:
        given = value if parameter is of else "1" if parameter.required else None
        if given is not None:
            option = parameter.param_type_name == "option"
            words += [f"{parameter.opts[0]}={given}"] if option else [given]
    return words


def takes_text(parameter: Any) -> bool:
    return any(word in str(parameter.type_descriptor.annotation) for word in ("Path", "str"))


def check(trials: Trials, title: str, outcome: Outcome) -> list[str]:
    trials.add(findings=bool(outcome.trouble), peak_mb=outcome.peak_mb)
    if outcome.trouble:
        print(f"NOT OK {title}: {outcome.trouble}", flush=True)
    return [f"{title}: {outcome.trouble}"] if outcome.trouble else []


def sampled(everything: Sequence[Any], default: int, kind: str) -> list[Any]:
    """So many of them in the usual run, LAB_TORTURE times as many in a long one."""
    number = min(count(default), len(everything))
    print(f"{number} of {len(everything)} {kind}, seed {SEED}")
    return random.Random(f"{SEED}/{kind}").sample(everything, number)


def test_any_thing_in_place_of_any_path(shelf: Shelf, tmp_path: Path, trials: Trials) -> None:
    """Each command with each kind of thing for each of its paths and texts."""
    every = [
        (names, command, parameter, kind, suffix)
        for names, command in commands(typer.main.get_command(app))
        for parameter in command.params
        if takes_text(parameter) and (names[-1], parameter.name) not in LEFT_OUT
        for kind in THINGS
        for suffix in SUFFIXES.get(parameter.name, ("",))
    ]
    troubles: list[str] = []
    for names, command, parameter, kind, suffix in sampled(every, 15, "things in place of paths"):
        words = words_of(names, command, parameter, str(shelf.named(kind, suffix)))
        folder = tmp_path / "work"
        folder.mkdir()
        title = f"lab {' '.join(names)} {parameter.name}{suffix} is {kind}"
        troubles += check(trials, title, shelf.lab(words, folder))
        shutil.rmtree(folder)
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with every kind of file that the lab reads."""
    root = tmp_path_factory.mktemp("hostile-project")
    results = root / "results"
    session = results / "20261124-110000-0000"
    recorded_run(session / "case")
    recorded_run(session / "bad", met=False)
    (results / "latest").symlink_to(session.name)
    load_run(results)
    (results / "load" / "buffer-20261124-110000" / "series.csv").write_text("t,succeeded,offered\n1,2,3\n")
    (results / "mutation").mkdir()
    (results / "mutation" / "mutation.json").write_text(json.dumps(WRITTEN))
    (results / "mutation" / "rows.json").write_text('{"rows": []}')
    write_sealed(results / "mutation", {"profile": "mutation"}, ["rows.json"])
    (results / "up").mkdir()
    (results / "up" / "session.json").write_text(json.dumps(UP_SESSION))
    (results / "up" / "supervisor.json").write_text(json.dumps(UP_STATE))
    (results / "up" / "maintenance.json").write_text('{"until": 1}')
    (results / "up" / "keys.json").write_text("{}")
    (root / "document").write_text("An audit.")
    (root / "lab.yaml").write_text("contract: Mine.vy\n")
    (root / "Mine.vy").write_text("# pragma version ~=0.4.3\nimport part\n@external\ndef a(): pass\n")
    (root / "part.vy").write_text("# pragma version ~=0.4.3\n")
    (root / "foundry.toml").write_text('[profile.default]\nsrc = "src"\n')
    (root / "remappings.txt").write_text("a/=lib/a/\n")
    (root / "pyproject.toml").write_text('[project]\nname = "x"\n')
    (root / "load.yaml").write_text((LOADTESTS / "buffer.yaml").read_text())
    (root / "case.yaml").write_text(SCENARIO)
    (root / "checklist.md").write_text("# Release\n\n- [ ] Audit done\n")
    (root / "key").write_text("11" * 32)
    (root / "key").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        attest = ["attest", "SCS-01", "--owner=A", "--document=document", "--expires=2099-01-01", "--note=n", "--link="]
        invoke = CliRunner().invoke
        invoke(app, [*attest, "--folder=attestations", "--results=none"])
        assert invoke(app, ["report", "--contract", str(REFERENCE_CONTRACT)]).exit_code in (0, 1, 3)
        sign = ["sign", "--name=A", "--decision=NO-GO", "--key=key"]
        signed = invoke(app, sign)
        assert signed.exit_code == 0, signed.output
        write_bundle(results, root / "bundle.tar.gz")
    return root


READERS: dict[str, tuple[str, ...]] = {
    "report": ("results", "attestations", "document", "lab.yaml", "Mine.vy", "part.vy", "foundry.toml"),
    "check results/20261124-110000-0000/case": ("results/20261124-110000-0000/case",),
    "check results/20261124-110000-0000": ("results/20261124-110000-0000",),
    "verify results": ("results/readiness", "results/20261124-110000-0000"),
    "verify bundle.tar.gz": ("bundle.tar.gz",),
    "bundle --key key": ("results", "key", "attestations"),
    "sign --name A --decision NO-GO --key key": ("results/readiness", "key"),
    "prune --keep 1": ("results",),
    "attest SCS-01 --owner A --document document --expires 2099-01-01 --note n --link=": ("document", "attestations"),
    "status": ("results/up",),
    "up base": ("results/up", "lab.yaml", "Mine.vy"),
    "down": ("results/up",),
    "lint case.yaml": ("case.yaml", "lab.yaml"),
    "lint .": ("case.yaml", "load.yaml"),
    "load load.yaml": ("load.yaml", "lab.yaml", "Mine.vy", "part.vy", "pyproject.toml"),
    "checklist import checklist.md": ("checklist.md",),
    "contract": ("lab.yaml", "Mine.vy", "part.vy", "foundry.toml"),
    "analyse Mine.vy": ("Mine.vy", "part.vy"),
    "mutate": ("lab.yaml", "Mine.vy"),
    "swarm --seeds 1": ("lab.yaml", "Mine.vy"),
    "init": ("foundry.toml", "lab.yaml", "Mine.vy"),
    "monitor maintenance": ("results/up",),
    "monitor config": ("results/up",),
    "monitor exporter": ("results/up",),
}  # fmt: skip


def test_any_thing_in_place_of_any_file(shelf: Shelf, project: Path, tmp_path: Path, trials: Trials) -> None:
    """Each file that commands read by themselves: evidence, reports, signatures, state of `lab up`, the project's."""
    every = [
        (command, path, kind)
        for command, parts in READERS.items()
        for part in parts
        for path in [project / part, *sorted((project / part).rglob("*"))]
        if path.name != "latest"
        for kind in THINGS
    ]
    troubles: list[str] = []
    for command, path, kind in sampled(every, 15, "things in place of files"):
        work = tmp_path / "work"
        shutil.copytree(project, work, symlinks=True)
        place = work / path.relative_to(project)
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        shelf.things.put(kind, place)
        outcome = shelf.lab(command.split(), work)
        shutil.rmtree(work)
        title = f"lab {command}: {path.relative_to(project)} is {kind}"
        troubles += check(trials, title, outcome)
        if outcome.code == 0 and command.startswith(("report", "verify", "check results/20261124-110000-0000")):
            trials.add(0, findings=1)
            troubles.append(f"{title}: it passed")
    assert not troubles, "\n".join(troubles)


def run_pytest(words: Sequence[str], folder: Path) -> tuple[int, str]:
    """Exit code and output of a session of pytest in a folder."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    environment = {**os.environ, "COLUMNS": "200"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=600, check=False)
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


UNFIT = "name: x\ndescription: d\nnetworks: {base: {}}\nflows: {}\ntimeline: [{wait: 1s}]\nsurprise: 1\n"


def test_names_of_scenario_files(tmp_path: Path, trials: Trials) -> None:
    """Control characters, turned text, brackets, percent signs: each is collected, or refused in words."""
    folder = tmp_path / "scenarios"
    folder.mkdir()
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text(UNFIT)
    for words in (["-v"], ["-q", "-n1"], ["--collect-only", "-q"])[: max(1, min(3, round(FACTOR)))]:
        code, output = run_pytest([*words, "--results", "out", "scenarios"], tmp_path)
        troubles = [bad for bad in ("Traceback", "INTERNALERROR", "\x1b[31mred", "\u202e", "\ufffd") if bad in output]
        trials.add(len(NAMES), findings=len(troubles))
        assert not troubles, output[-3000:]
        assert code in (1, 2), output[-2000:]
        # But for `.yaml`, which has no suffix.
        assert output.count("unknown key") + output.count("rename the file") >= len(NAMES) - 1


def places(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Results folders that cannot be, by what they are."""
    for kind in ("an empty file", "a pipe", "a link to itself", "a link to /dev/full", "a socket"):
        path = tmp_path / kind.replace(" ", "-").replace("/", "-")
        THINGS[kind](path)
        yield kind, str(path)
    yield "a long name", "x" * 4_000
    yield "below a file", str(tmp_path / "an-empty-file" / "below")
    yield "a kernel's folder", "/proc/results"


def test_results_folders_that_cannot_be(tmp_path: Path, trials: Trials) -> None:
    """One line, exit code 4, nothing run."""
    (tmp_path / "case.yaml").write_text(SCENARIO)
    every = list(places(tmp_path))
    for kind, place in every[:2] if FACTOR < 2 else every:
        code, output = run_pytest(["-q", "--results", place, "case.yaml"], tmp_path)
        trials.add(findings=code != 4 or len(output) > 6_000)
        assert code == 4, (kind, output)
        assert [line for line in output.splitlines() if line.strip()][1:] == [], (kind, output)


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few pages; skipped where nobody may mount one."""
    place = tmp_path / "mounted"
    place.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=False).returncode
    ):
        pytest.skip("no right to mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize("state", ["read-only", "full"])
def test_a_disk_that_takes_nothing(state: str, mounted: Path, tmp_path: Path) -> None:
    """One line, exit code 4; of commands that write reports, too."""
    (tmp_path / "case.yaml").write_text(SCENARIO)
    recorded_run(mounted / "20261124-110000-0000" / "case")
    if state == "full":
        with pytest.raises(OSError, match="No space left"):
            (mounted / "filler").write_bytes(bytes(1 << 20))
    else:
        subprocess.run(["mount", "-o", "remount,ro", mounted], check=True)
    code, output = run_pytest(["-q", "--results", str(mounted), "case.yaml"], tmp_path)
    assert code == 4, output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    run = str(mounted / "20261124-110000-0000")
    for words in (["report", str(mounted)], ["check", run], ["up", "base", "--results", str(mounted)]):
        done = subprocess.run([sys.executable, "-m", "lab.cli", *words], cwd=tmp_path, capture_output=True, check=False)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.returncode == (0 if words[0] == "check" else 4), done.stderr.decode()
