"""Files as large as their readers let them be: less than 300 MB, less than a minute, no traceback, whatever is large.

Each kind of file that the mutants know has one part grown (`grown`); so has each file that a command reads by itself,
alone and in many folders at once.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import shutil
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.bounded_files import read_object
from lab.errors import LabError
from lab.evidence.folder import HISTORY
from lab.evidence.outcomes import OUTCOMES, outcome_of
from lab.evidence.recorder import HISTORY_VALUES_MAX
from lab.evidence.seal import MANIFEST, write_sealed
from lab.model.checks import CheckSelection
from lab.model.records import Note
from tests.unit.model.test_history import header
from tests.unit.test_cli import recorded_run

from . import test_mutants
from .caller import CPU_S, MEMORY_MB_MAX, Caller, calling
from .figures import Trials
from .grown import Grown, grown
from .mutants import SEED, as_json, count
from .test_hostile_files import READERS, project  # noqa: F401  # a fixture

pytestmark = pytest.mark.reliability

# What a command takes before it reads anything.
COMMAND_MB = 100
ADDRESS_SPACE_BYTES = 3 << 30
# As it stands in a figure of `lab`, a message of any length is one that quotes a file whole.
OUTPUT_MAX = 1_100_000
# So many folders beside each other, each with a file of full size.
MANY = 40
# Records of a history, of some seven values each: as many as are read.
LONG = HISTORY_VALUES_MAX // 8
KINDS = {**test_mutants.KINDS, **test_mutants.TEXTS}
Read = Callable[[Path], object]


def sound(kind: str) -> bytes:
    """The content of a kind's file."""
    name, base, _ = KINDS[kind]
    document: Any = base()
    if isinstance(document, bytes):
        return document
    return as_json(document) if name.endswith(".json") or name.endswith(".jsonl") else yaml.safe_dump(document).encode()


def chosen(names: list[str], default: int, what: str) -> Iterator[tuple[str, random.Random]]:
    """So many names, each with a source of chance; each once before one comes again."""
    number = count(default)
    print(f"{number} {what}, seed {SEED}")
    shuffled = random.Random(f"{SEED}/{what}").sample(names, len(names))
    for index in range(number):
        yield shuffled[index % len(shuffled)], random.Random(f"{SEED}/{what}/{index}")


def measured(action: Callable[[], object]) -> tuple[str, float]:
    """What is wrong with an action, empty where nothing is, and what memory it took; in a process of its own."""
    told, tell = os.pipe()
    gc.collect()
    child = os.fork()
    if child == 0:
        _do(action, tell)
    os.close(tell)
    with os.fdopen(told, "rb") as stream:
        before, _, said = stream.read().decode(errors="replace").partition("\n")
    _, status, usage = os.wait4(child, 0)
    took, code = usage.ru_maxrss / 1024 - float(before or 0), os.waitstatus_to_exitcode(status)
    if code == 0 and COMMAND_MB + took > MEMORY_MB_MAX:
        return f"{COMMAND_MB} + {took:.0f} MB", took
    return (f"exit code {code}: {said}" if code else ""), took


def _do(action: Callable[[], object], tell: int) -> None:
    """Never returns."""
    code, said = 70, ""
    try:
        gc.freeze()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        os.write(tell, b"%d\n" % (int(status.partition("VmRSS:")[2].split()[0]) // 1024))
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_BYTES, ADDRESS_SPACE_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 5))
        try:
            action()
            code = 0
        except LabError as error:
            said = str(error)
            code = 0 if said and len(said) <= OUTPUT_MAX else 71
    except BaseException as error:
        said = "".join(traceback.format_exception(error))
    finally:
        os.write(tell, said[-3_000:].encode(errors="replace"))
        os._exit(code)


def test_a_file_of_full_size(tmp_path: Path, trials: Trials) -> None:
    """Each kind by its own reader: it is read, or refused in words."""
    troubles = []
    for kind, chance in chosen(list(KINDS), 14, "files of full size"):
        name, _, read = KINDS[kind]
        one = chance.choice(grown(name, sound(kind)))
        path = tmp_path / "place" / name
        path.parent.mkdir(parents=True)
        one.write(path)
        path.chmod(0o600)
        trouble, took = measured(lambda read=read, path=path: read(path))  # type: ignore[misc]
        shutil.rmtree(tmp_path / "place")
        trials.add(findings=bool(trouble), peak_mb=COMMAND_MB + took)
        troubles += [f"{kind}: {one.title}: {trouble}"] if trouble else []
    assert not troubles, "\n".join(troubles)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    with calling(tmp_path_factory.mktemp("caller")) as caller:
        yield caller


def files_of(root: Path) -> list[str]:
    """`command: file` for each file that a command reads by itself."""
    return [
        f"{command}: {path.relative_to(root)}"
        for command, parts in READERS.items()
        for part in parts
        for path in [root / part, *sorted((root / part).rglob("*"))]
        if path.is_file() and path.stat().st_size and path.suffix not in (".html", ".gz")
    ]


def test_a_command_with_a_file_of_full_size(project: Path, lab: Caller, tmp_path: Path, trials: Trials) -> None:  # noqa: F811
    """Each file that commands read by themselves, with its digests made again where it has any."""
    troubles = []
    for title, chance in chosen(files_of(project), 6, "commands with a file of full size"):
        command, _, file = title.partition(": ")
        work = tmp_path / "work"
        shutil.copytree(project, work, symlinks=True)
        one = grow(work / file, chance)
        troubles += call(lab, command, work, f"{title}: {one.title}", trials)
        shutil.rmtree(work)
    assert not troubles, "\n".join(troubles)


def test_a_command_with_many_files_of_full_size(project: Path, lab: Caller, tmp_path: Path, trials: Trials) -> None:  # noqa: F811
    """The same folder many times."""
    troubles = []
    inside = [title for title in files_of(project) if title.count("/") > 1]
    for title, chance in chosen(inside, 2, "commands with many files of full size"):
        command, _, file = title.partition(": ")
        work = tmp_path / "work"
        shutil.copytree(project, work, symlinks=True)
        one = grow(work / file, chance)
        folder = (work / file).parent
        for number in range(1, MANY):
            # Each is another run: names of sessions and loads end in four digits of a number.
            name = f"{folder.name[:-4]}{number:04x}" if folder.name[-4:].isalnum() and len(folder.name) > 15 else number
            shutil.copytree(folder, folder.with_name(f"{name}"), copy_function=os.link, symlinks=True)
        troubles += call(lab, command, work, f"{title} {MANY} times: {one.title}", trials)
        shutil.rmtree(work)
    assert not troubles, "\n".join(troubles)


def test_long_histories_beside_each_other(lab: Caller, tmp_path: Path, trials: Trials) -> None:
    """Ten runs, each of as many records as are read: what checks work out of one is not kept beside the next."""
    run = recorded_run(tmp_path / "session" / "case", selection=CheckSelection(True, (), ()))
    path = run / HISTORY
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # With a chain, of which checks work something out.
    lines[0] = header().model_dump_json() + "\n"
    for seq in range(len(lines), LONG):
        lines.append(Note(seq=seq, t_ms=10**6, kind="x", text="x").model_dump_json() + "\n")
    path.write_text("".join(lines), encoding="utf-8")
    facts = read_object(run / MANIFEST)
    write_sealed(run, facts, [name for name in facts["digests"] if "/" not in name])
    for number in range(1, 10):
        shutil.copytree(run, run.with_name(f"case-{number}"), copy_function=os.link)
    assert lab(["check", "session"], tmp_path).output.count("repeat it") == 10
    troubles = call(lab, "check session", tmp_path, "ten long histories", trials)
    assert not troubles, "\n".join(troubles)


def test_outcomes_of_many_sessions(tmp_path: Path, trials: Trials) -> None:
    """Each session has a file of its own, with as many names as a file groups them by."""
    file = tmp_path / OUTCOMES
    file.write_text("".join(f'{{"folder":"run-{number}"}}\n' for number in range(MANY * 1_000)))
    folders = [tmp_path / f"session-{number}" / "run-1" for number in range(MANY)]
    for folder in folders:
        folder.parent.mkdir()
        os.link(file, folder.parent / OUTCOMES)
    trouble, took = measured(lambda: [outcome_of(folder) for folder in folders])
    trials.add(findings=bool(trouble), peak_mb=COMMAND_MB + took)
    assert not trouble


def grow(path: Path, chance: random.Random) -> Grown:
    """One part of a file, and the digests of its folder."""
    one = chance.choice(grown(path.name, path.read_bytes()))
    one.write(path)
    manifest = path.with_name(MANIFEST)
    with suppress(OSError, ValueError, TypeError, LookupError):
        facts = read_object(manifest)
        write_sealed(path.parent, facts, [name for name in facts["digests"] if "/" not in name])
    return one


def call(lab: Caller, command: str, folder: Path, title: str, trials: Trials) -> list[str]:
    """What is wrong with a command in a folder."""
    outcome = lab(command.split(), folder)
    trouble = outcome.trouble or ("a file is quoted whole" if len(outcome.output) >= OUTPUT_MAX else "")
    trials.add(findings=bool(trouble), peak_mb=outcome.peak_mb)
    return [f"lab {title}: {trouble} ({outcome.seconds:.0f} s)"] if trouble else []
