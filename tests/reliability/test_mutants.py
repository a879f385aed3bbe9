"""Whatever a file or an option holds, the lab says what is wrong with it: no traceback, no hang, no PASS gained.

`LAB_TORTURE=20 pytest tests/reliability/test_mutants.py` tries more than 10,000; `LAB_SEED` chooses others.
"""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from typer.testing import CliRunner

from lab.checks import CHECKS
from lab.cli import app
from lab.commands.check import check_folder
from lab.deploy.artifacts.artifact import read_artifact
from lab.deploy.backup import read as read_backup
from lab.deploy.campaign import read_manifest
from lab.deploy.deployer import deployable
from lab.deploy.interface import inspect
from lab.errors import LabError
from lab.load.profile.profile import load_profile
from lab.networks import PROFILES, load_network
from lab.paths import LOADTESTS, SCENARIOS
from lab.report.catalogue.checklist_import import import_checklist
from lab.report.catalogue.rows import CHECKLIST, load_catalogue
from lab.report.evidence.attestations import load_statements
from lab.report.release.bundle import write_bundle
from lab.report.release.verify import verify_bundle
from lab.scenario.resolve import load_scenario
from lab.session.project import read_project
from lab.session.up.files import SESSION, STATE, UpFolder
from tests.unit.report.evidence.test_attestations import ROWS, TODAY
from tests.unit.report.evidence.test_attestations import folder as attested
from tests.unit.test_cli import recorded_run

from .mutants import OPTIONS, SEED, as_json, commands, contents, count, documents

pytestmark = pytest.mark.reliability

# Generous: it ends what would never end.
DEADLINE_S = 60
STARTED = 99
COORDINATOR_ABI: list[Any] = [
    {"type": "constructor", "inputs": []},
    {
        "type": "function",
        "name": "buffer_transaction",
        "stateMutability": "nonpayable",
        "inputs": [{"name": "tx_id", "type": "bytes32"}, {"name": "payload", "type": "bytes"}],
        "outputs": [],
    },
    {
        "type": "function",
        "name": "transactions",
        "stateMutability": "view",
        "inputs": [{"name": "tx_id", "type": "bytes32"}],
        "outputs": [
            {"name": "", "type": "tuple", "components": [{"name": "state", "type": "uint256"}]},
        ],
    },
    {
        "type": "event",
        "name": "TransactionBuffered",
        "anonymous": False,
        "inputs": [{"name": "tx_id", "type": "bytes32", "indexed": True}],
    },
]
ARTIFACT = {"contractName": "Mine", "abi": COORDINATOR_ABI, "bytecode": "0x6001", "deployedBytecode": {"object": "0x"}}
UP_SESSION = {
    "run_id": "r", "backend": "process", "clock": "real", "genesis_time": 1, "chains": {}, "accounts": {},
    "key_file": "keys.json", "store_path": "relayer.sqlite", "state_numbering": {"EMPTY": 0}, "abi": COORDINATOR_ABI,
}  # fmt: skip
UP_STATE = {
    "run_id": "r",
    "owner": "1:2",
    "started": "2026-11-24T11:00:00",
    "networks": ["base"],
    "problems": {"a": "b"},
}
PLACED = dict.fromkeys(("chain", "address", "tx", "raw", "bytecode_sha256"), "x") | {"chain_id": 1}


class Hang(BaseException):
    """A mutant that does not end; no handler of the lab's may take it for an error of its own."""


@contextmanager
def no_hang() -> Iterator[None]:
    """Raises Hang after the deadline."""

    def ring(number: int, frame: object) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(DEADLINE_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


Read = Callable[[Path], object]


def artifact(path: Path) -> object:
    """As `lab contract` does before it starts a node."""
    target = deployable(read_artifact(path, path.read_bytes()))
    return inspect(target.contract, target.codec).lines()


def statements(path: Path) -> object:
    """A folder of attestations."""
    return load_statements(path.parent, ROWS, TODAY, None)


def of_library(folder: Path, name: str) -> Any:
    """A file of the lab's own as a document."""
    return yaml.safe_load((folder / name).read_text(encoding="utf-8"))


def small_catalogue() -> Any:
    """Some rows of the lab's own."""
    whole = of_library(CHECKLIST.parent, CHECKLIST.name)
    section = whole["sections"][0]
    return whole | {"facts": whole["facts"][:1], "sections": [section | {"rows": section["rows"][:8]}]}


KINDS: dict[str, tuple[str, Callable[[], Any], Read]] = {
    "scenario": (
        "case.yaml",
        lambda: of_library(SCENARIOS, "failures/breaker_drill.yaml"),
        lambda path: load_scenario(path, known_checks=CHECKS),
    ),
    "network": ("mine.yaml", lambda: of_library(PROFILES, "polygon.yaml"), lambda path: load_network(str(path))),
    "load profile": (
        "load.yaml",
        lambda: of_library(LOADTESTS, "mixed.yaml"),
        lambda path: load_profile(str(path)).resolved_networks(),
    ),
    "project": (
        "lab.yaml",
        lambda: {
            "contract": "Mine.vy",
            "relayer_cmd": "relay",
            "functions": {"pause": "stop"},
            "roles": {"operator": "O"},
        },
        read_project,
    ),
    "catalogue": ("checklist.yaml", small_catalogue, load_catalogue),
    "artifact": ("Mine.json", lambda: ARTIFACT, artifact),
    "session": (f"up/{SESSION}", lambda: UP_SESSION, lambda path: UpFolder(path.parents[1]).session()),
    "up state": (f"up/{STATE}", lambda: UP_STATE, lambda path: UpFolder(path.parents[1]).state()),
    "deployments": ("deployed.json", lambda: {"base": PLACED}, read_manifest),
    "backup": ("backup.json", lambda: {"sha256": "0" * 64, "state": {"format": 1}}, read_backup),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_refused_in_words_or_read(kind: str, tmp_path: Path) -> None:
    """Each document changed as a value, and its text changed as bytes."""
    name, base, read = KINDS[kind]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    document = base()
    write = as_json if path.suffix == ".json" else lambda value: yaml.safe_dump(value, allow_unicode=True).encode()
    mutants = [(title, write(value)) for title, value in documents(document, count(30), kind)]
    for title, data in [*mutants, *contents(write(document), count(30), kind)]:
        path.write_bytes(data)
        survive(title, lambda: read(path))


def survive(title: str, action: Callable[[], object]) -> object:
    """What an action gives; None for an error of the lab's. Anything else is a bug, and names its mutant."""
    try:
        with no_hang():
            return action()
    except LabError as error:
        return None if str(error) else title
    except BaseException as error:
        raise AssertionError(f"{title}: {type(error).__name__}: {error}") from error


def test_a_changed_attestation(tmp_path: Path) -> None:
    """It is beside a sound document."""
    path = attested(tmp_path) / "one.yaml"
    base = yaml.safe_load(path.read_text(encoding="utf-8"))
    base = {key: str(value) for key, value in base.items()}
    for title, value in documents(base, count(40), "attestation"):
        path.write_text(yaml.safe_dump(value), encoding="utf-8")
        survive(title, lambda: statements(path))


def test_a_changed_checklist(tmp_path: Path) -> None:
    """Markdown takes any text; what is none of it is refused."""
    path = tmp_path / "checklist.md"
    text = "# Release\n\n## Contracts\n\n- [ ] Audit done\n- [x] Keys in `safe`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    for title, data in contents(text.encode(), count(40), "checklist"):
        path.write_bytes(data)
        survive(title, lambda: import_checklist(path))


@pytest.mark.parametrize("name", ["manifest.json", "history.jsonl", "verdict.json", "metrics.json"])
def test_changed_evidence_gains_no_pass(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a run that failed nothing is PASS; nor is a run that passed, once a file under its digests was changed."""
    for met in (False, True):
        run = recorded_run(tmp_path / f"{name}-{met}", met=met)
        path, before = run / name, (run / name).read_bytes()
        lines = [json.loads(line) for line in before.splitlines()] if name.endswith("jsonl") else json.loads(before)
        mutants: list[tuple[str, bytes]] = list(contents(before, count(15), f"{name} {met}"))
        for title, value in documents(lines, count(15), f"{name} {met}"):
            many = isinstance(value, list) and name.endswith("jsonl")
            mutants.append((title, b"\n".join(map(as_json, value)) + b"\n" if many else as_json(value)))
        for title, data in mutants:
            path.write_bytes(data)
            code = survive(title, partial(check_folder, run))
            capsys.readouterr()
            assert code in (0, 1, 3, None), title
            assert met or code != 0, title
            assert name == "manifest.json" or data == before or code != 0, title


def test_a_changed_bundle(tmp_path: Path) -> None:
    """Bytes of an archive."""
    recorded_run(tmp_path / "results/20261124-110000-0000/case")
    (tmp_path / "results/latest").symlink_to("20261124-110000-0000")
    assert CliRunner().invoke(app, ["report", str(tmp_path / "results")]).exit_code == 3
    bundle = tmp_path / "bundle.tar.gz"
    write_bundle(tmp_path / "results", bundle)
    base = bundle.read_bytes()
    for title, data in contents(base, count(30), "bundle"):
        bundle.write_bytes(data)
        survive(title, lambda: verify_bundle(bundle))


class Started(LabError):
    """In place of everything that takes time: the options were accepted."""

    exit_code = STARTED


def _start(*arguments: object, **options: object) -> None:
    raise Started("started")


PLACES = (
    "lab.chains.processes.reaper.Reaper.start",
    "lab.commands.up.start_background",
    "lab.commands.up.remove_leftovers",
    "lab.commands.swarm.run_swarm",
    "lab.commands.swarm.compile_target",
    "lab.commands.mutate.compile_target",
    "lab.commands.load.run_load",
    "lab.commands.load.run_remote",
    "lab.commands.load.saturate",
    "lab.session.doctor.diagnose",
    "lab.session.up.supervisor.supervise",
    "lab.chains.nodes.image.build_image",
    "lab.session.suite.compile_contract",
)
NUMBERS = {"seeds", "first", "minutes", "jobs", "limit", "tps", "operators", "workers", "web_port", "keep"}
# A number that is none of these is refused before anything begins.
NO_NUMBERS = ("", " ", "nan", "inf", "-inf", "1e308", "1e999", "9" * 30, "0x10", "-1")


def lines_of(names: tuple[str, ...], command: Any) -> Iterator[tuple[Any, str, list[str]]]:
    """Each parameter with each strange value, and the command line with it."""
    for parameter in command.params:
        if parameter.name == "help" or getattr(parameter, "is_flag", False):
            continue
        for value in OPTIONS:
            words = list(names)
            for other in command.params:
                option = other.param_type_name == "option"
                given = value if other is parameter else "1" if other.required else None
                if given is not None:
                    words += [f"{other.opts[0]}={given}"] if option else [given]
            yield parameter, value, words


def test_no_option_has_a_value_that_ends_in_a_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor one that is accepted although it is no number, nor one that makes folders outside of the results."""
    monkeypatch.chdir(tmp_path)
    for place in PLACES:
        monkeypatch.setattr(place, _start)
    every = [line for names, command in commands(typer.main.get_command(app)) for line in lines_of(names, command)]
    numbers = [line for line in every if line[0].name in NUMBERS and line[1] in NO_NUMBERS]
    others = [line for line in every if line not in numbers]
    sample = random.Random(SEED).sample(others, min(count(12), len(others)))
    print(f"{len(numbers) + len(sample)} of {len(every)} command lines, seed {SEED}")
    for parameter, value, words in [*numbers, *sample]:
        title = f"lab {' '.join(words)!a:.200}"
        with no_hang():
            result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError(title) from result.exception
        assert result.exit_code in (0, 1, 2, 3, 4, STARTED), title
        assert parameter.name not in NUMBERS or value not in NO_NUMBERS or result.exit_code == 2, title
    assert not Path("/nonexistent").exists()
