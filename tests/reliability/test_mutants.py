"""Whatever a file or an option holds, the lab says what is wrong with it: no traceback, no hang, no PASS gained.

`LAB_TORTURE=20 pytest tests/reliability/test_mutants.py` tries more than 10,000; `LAB_SEED` chooses others.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from pydantic import ValidationError
from typer.testing import CliRunner

from lab.bounded_files import read_json, read_model
from lab.chains.engine.address import find_engine
from lab.checks import CHECKS
from lab.cli import app
from lab.commands.check import check_folder
from lab.commands.monitor.actions import limits_of
from lab.commands.monitor.exporting import read_session as monitor_session
from lab.commands.monitor.page import read_samples
from lab.commands.release.bundle import deployment_page
from lab.deploy.artifacts.artifact import read_artifact
from lab.deploy.deployer import deployable
from lab.deploy.interface import inspect
from lab.deploy.keystore import open_key
from lab.deploy.vyper.project_folders import project_folders
from lab.deploy.vyper.source import read_source
from lab.errors import LabError
from lab.evidence.seal import write_sealed
from lab.explore.mutate.equivalent import read_reviewed
from lab.live.declaration.deployment_file import read_deployment
from lab.live.declaration.variables import missing_variables
from lab.live.journaling.journal import Header, open_journal
from lab.live.results.page import render
from lab.live.signers import declared_deployer
from lab.load.long.page import write_page
from lab.load.long.record import LongRecord
from lab.load.long.summary import Whole
from lab.load.profile.profile import load_profile
from lab.load.record.plan import read_urls
from lab.load.record.worker_report import CutOff, Start, WorkerReport
from lab.model.live_evidence import EVIDENCE, LiveEvidence
from lab.model.session import Session
from lab.monitor.collect.collector import read_memory
from lab.monitor.collect.maintenance import in_force
from lab.monitor.collect.relayer import look_at
from lab.networks import PROFILES, load_network
from lab.ops.backup.file import read as read_backup
from lab.paths import CONTRACTS, LOADTESTS, SCENARIOS
from lab.relayer.__main__ import read_account
from lab.report.catalogue.checklist_import import import_checklist
from lab.report.catalogue.criteria_definitions import CRITERIA
from lab.report.catalogue.rows import CHECKLIST, load_catalogue
from lab.report.evidence.attestations import load_statements
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.deployments import read_deployments
from lab.report.evidence.detection import read_detection
from lab.report.evidence.figures import read_figures
from lab.report.evidence.load_series import read_series
from lab.report.evidence.mutation_counts import read_mutation
from lab.report.evidence.report_history import read_summaries
from lab.report.judge.deployment_opinions import deployment_opinions
from lab.report.records.row_verdict import RowVerdict
from lab.report.release.bundle import write_bundle
from lab.report.release.local_key import load_signer
from lab.report.release.verify import verify_bundle
from lab.scenario.resolve import load_scenario
from lab.session.project import read_project
from lab.session.up.files import SESSION, STATE, UpFolder
from tests.unit.live.conftest import ENTRY as ENTRY_OF_FILE
from tests.unit.live.conftest import FILE as DEPLOYMENT
from tests.unit.report.evidence.test_attestations import ROWS, TODAY
from tests.unit.report.evidence.test_attestations import folder as attested
from tests.unit.report.evidence.test_figures import ENTRY
from tests.unit.report.evidence.test_mutation_counts import DETECTED, WRITTEN
from tests.unit.report.fakes import NOW
from tests.unit.report.judge.test_deployments import network
from tests.unit.report.judge.test_deployments import written as evidence_of
from tests.unit.test_cli import recorded_run

from . import file_kinds
from .caller import CPU_S, DEADLINE_S, PLACES, STARTED, start
from .figures import Trials
from .mutants import OPTIONS, SEED, as_json, commands, contents, count, documents

pytestmark = pytest.mark.reliability

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
    "schema_version": 1, "run_id": "r", "backend": "process", "clock": "real", "genesis_time": 1, "chains": {},
    "accounts": {}, "key_file": "keys.json", "store_path": "relayer.sqlite",
    "state_numbering": {"EMPTY": 0}, "abi": COORDINATOR_ABI,
}  # fmt: skip
UP_STATE = {
    "schema_version": 1,
    "run_id": "r",
    "owner": "1:2",
    "started": "2026-11-24T11:00:00",
    "networks": ["base"],
    "problems": {"a": "b"},
}


class Hang(BaseException):
    """A mutant that does not end; no handler of the lab's may take it for an error of its own."""


@contextmanager
def no_hang() -> Iterator[None]:
    """Raises Hang after the deadline."""

    def ring(number: int, frame: object) -> None:
        raise Hang

    before = [signal.signal(number, ring) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.alarm(DEADLINE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        for number, handler in zip((signal.SIGPROF, signal.SIGALRM), before, strict=True):
            signal.signal(number, handler)


Read = Callable[[Path], object]
ENTRY_OF_JOURNAL = {
    "network": "sepolia", "chain_id": 1, "step": "deploy", "event": "signed", "nonce": 0, "tx": "0x" + "11" * 32,
    "raw": "0x02", "gas": 5, "max_fee_per_gas": 7,
}  # fmt: skip
LIVE_ROWS = [row for row in load_catalogue().rows if row.live is not None]
JOURNAL = (
    {"journal": 1, "contract": "c" * 64, "deployer": "0x" + "22" * 20},
    *({**ENTRY_OF_JOURNAL, "event": event, "block": 5} for event in ("signed", "mined", "final")),
)
SAMPLED = {
    "start_s": 0, "interval_s": 15, "count": 2, "series": {"a": [1.0, None]},
    "alerts": [{"alert": "A", "severity": "page", "labels": {"chain": "base"}, "pending_s": 1, "firing_s": 2,
                "end_s": None}],
}  # fmt: skip


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


def long_order() -> Any:
    """As `lab load soak --duration 24h` writes it."""
    profile = load_profile("soak").model_dump(mode="json")
    options = {"backend": "process", "command": "lab load soak"}
    made = {"lab": "0.1.0", "contract": "x"}
    return {
        **{"schema_version": 1, "run_id": "r", "started": "now", "profile": profile, "options": options},
        **{"made_with": made, "stretches_ms": [1000, 2000]},
    }


def long_stretches() -> bytes:
    """One that ended, and one that was cut off."""
    begun = {"number": 1, "run": "1-a", "at": 1.5}
    ended = {
        **begun,
        "state": "ended",
        "outcome": "PASS",
        "ledger": {"sent": 1},
        "memory": [{"at": 1, "memory_mib": {}}],
    }
    return b"".join(as_json(line) + b"\n" for line in (begun, ended, {**begun, "number": 2, "run": "2-b"}))


def read_stretches(path: Path) -> object:
    """As `lab load resume` does, up to the page."""
    write_order(path)
    record = LongRecord.read(path.parent)
    record.take_up()
    return Whole(record).lines(), write_page(record)


def write_order(beside: Path) -> None:
    beside.with_name("order.json").write_bytes(as_json(long_order()))


def journal(path: Path) -> object:
    """As a deployment is taken up again: a torn last line is cut, all else is read or refused."""
    return open_journal(path, Header(contract="c" * 64, deployer="0x" + "22" * 20))


def deployment(path: Path) -> object:
    """As every command of `lab live` begins."""
    given = read_deployment(path)
    missing_variables(given, given.targets)
    return given.contract, declared_deployer(given)


def deployed(path: Path) -> object:
    """Read, drawn and judged, with its digest made again: of a rehearsal nothing ever passes."""
    try:
        evidence = LiveEvidence.model_validate_json(json.dumps(read_json(path)))
    except ValidationError:
        return LiveEvidence.read(path)
    evidence.write(path.parent)
    render(LiveEvidence.read(path))
    deployments, _ = read_deployments(path.parents[2])
    for row in LIVE_ROWS:
        opinions = deployment_opinions(row, deployments, Baseline())
        assert not any(opinion.verdict is RowVerdict.PASS for opinion in opinions), row.id
    return None


def rehearsal() -> Any:
    """Evidence of one that went well."""
    with tempfile.TemporaryDirectory() as folder:
        results = evidence_of(Path(folder), network("sepolia", kind="rehearsal", client="anvil"))
        return read_json(results / "live" / "deployment" / EVIDENCE)


def sealed(read: Read) -> Read:
    """The same of a folder whose digests are made again."""

    def both(path: Path) -> object:
        write_sealed(path.parent, {"item": "x"}, (path.name,))
        return read(path)

    return both


def relayers_key(path: Path) -> object:
    """As the relayer reads its key."""
    session = Session.model_validate_json(json.dumps(UP_SESSION | {"accounts": {"relayer": "0x" + "11" * 20}}))
    return read_account(session.model_copy(update={"key_file": str(path)}))


def engine(path: Path) -> object:
    """Where the docker command's settings say that the engine is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(path.parent))
        patch.delenv("DOCKER_HOST", raising=False)
        return find_engine()


def small_catalogue() -> Any:
    """Some rows of the lab's own."""
    whole = of_library(CHECKLIST.parent, CHECKLIST.name)
    section = whole["sections"][0]
    return whole | {"facts": whole["facts"][:1], "sections": [section | {"rows": section["rows"][:8]}]}


KEYSTORE = {
    "version": 3, "id": "1", "address": "11" * 20,
    "crypto": {
        "cipher": "aes-128-ctr", "cipherparams": {"iv": "00" * 16}, "ciphertext": "00" * 32, "mac": "00" * 32,
        "kdf": "scrypt", "kdfparams": {"dklen": 32, "n": 2, "p": 1, "r": 1, "salt": "00" * 16},
    },
}  # fmt: skip
SUMMARY = {
    "generated": "2026-11-24T12:00:00+00:00", "stage": "lab", "decision": "GO", "verdicts": {"PASS": ["AA-01"]},
    "commit": "a", "contract_sha256": "b", "failing": 0,
}  # fmt: skip


def figures(path: Path) -> object:
    """A folder of load runs: the newest of each profile is read."""
    read_series(path.parents[2])
    return read_figures(path.parents[2], NOW)


def relayer_store(path: Path) -> object:
    """As the monitor looks at it."""
    return look_at(path, lambda: None)


def sound_store() -> bytes:
    """A relayer's database with one intent."""
    with tempfile.TemporaryDirectory() as folder, closing(sqlite3.connect(f"{folder}/store")) as db:
        db.execute("CREATE TABLE intents (id, chain, kind, tx_id, nonce, status)")
        db.execute("CREATE TABLE versions (intent_id, position, sent_ms)")
        db.execute("CREATE TABLE begun (intent_id, ms)")
        db.execute("INSERT INTO intents VALUES (1, 'base', 'mirror', 'x', 0, 'open')")
        db.execute("INSERT INTO versions VALUES (1, 0, 5)")
        db.execute("INSERT INTO begun VALUES (1, 5)")
        db.commit()
        return Path(folder, "store").read_bytes()


def signing_key(path: Path) -> object:
    """With a password that is not the right one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getpass.getpass", lambda prompt: "wrong")
        return load_signer(path)


def deployers_key(path: Path) -> object:
    """With a password that is not the right one."""
    path.chmod(0o600)
    return open_key(path, "wrong")


KINDS: dict[str, tuple[str, Callable[[], Any], Read]] = {
    "signing key": ("key.json", lambda: KEYSTORE, signing_key),
    "deployer's key": ("key.json", lambda: KEYSTORE, deployers_key),
    "history of reports": ("history/reports.jsonl", lambda: SUMMARY, lambda path: read_summaries(path.parents[1])),
    "measured rows": ("load/buffer-20261124-110000/rows.json", lambda: {"schema_version": 1, "rows": [ENTRY]}, figures),
    "measured manifest": (
        "load/buffer-20261124-110000/manifest.json",
        lambda: {"schema_version": 1, "profile": "buffer"},
        figures,
    ),
    "mutation score": ("mutation/mutation.json", lambda: WRITTEN, sealed(lambda path: read_mutation(path.parents[1]))),
    "measured alerts": (
        "monitor/detection.json",
        lambda: DETECTED,
        sealed(lambda path: read_detection(path.parents[1])),
    ),
    "samples of a run": ("monitor.json", lambda: SAMPLED, lambda path: read_samples(path.parent)),
    "success criteria": (
        "criteria.yaml",
        lambda: of_library(CRITERIA.parent, CRITERIA.name),
        lambda path: limits_of(path, 1.0),
    ),
    "deployment file": (
        "deployment.yaml",
        lambda: yaml.safe_load(DEPLOYMENT + ENTRY_OF_FILE % ("sepolia", "A", "A")),
        deployment,
    ),
    "journal": ("deployment.journal.jsonl", lambda: {"journal": 1, "contract": "c" * 64}, journal),
    "deployment's evidence": ("live/deployment/evidence.json", rehearsal, deployed),
    "report of a worker": (
        "worker.json",
        lambda: {
            "rank": 0,
            "workers": 1,
            "pid": 1,
            "cpu_seconds": 1.0,
            "wall_seconds": 1.0,
            "memory": [[1.0, 5]],
            "streams": {"a": {"arrivals": 1}},
            "histograms": {"a": "x"},
        },
        lambda path: read_model(path, WorkerReport),
    ),
    "relayer's key": ("keys.json", lambda: {"relayer": "0x" + "11" * 32}, relayers_key),
    "docker's settings": ("config.json", lambda: {"currentContext": "x", "auths": {}}, engine),
    "session of a monitor": ("session.json", lambda: UP_SESSION, monitor_session),
    "maintenance": ("maintenance.json", lambda: {"until": 1.5, "reason": "x"}, lambda path: in_force(path.parent, 1)),
    "position of a monitor": (
        "position.json",
        lambda: {"version": 1, "identity": {}, "chains": {}, "cross_chain": {}},
        lambda path: read_memory(path.read_bytes()),
    ),
    "start of a load": ("start.json", lambda: {"starts_at": 1.0, "workers": 2}, lambda path: Start.read(path.parent)),
    "workers that were cut off": ("cut-off.json", lambda: {"ranks": [1]}, lambda path: CutOff.read(path.parent)),
    "order of a long load": (
        "order.json",
        long_order,
        lambda path: LongRecord.read(path.parent).order.load_profile(path),
    ),
    "urls of a load": ("urls.json", lambda: {"base": "http://127.0.0.1:1"}, lambda path: read_urls(path.parent)),
    "reviewed mutants": (
        "equivalent-mutants.yaml",
        lambda: of_library(CONTRACTS, "equivalent-mutants.yaml"),
        lambda path: read_reviewed(path.with_name("a.vy")),
    ),
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
    "backup": ("backup.json", lambda: {"sha256": "0" * 64, "state": {"format": 1}}, read_backup),
    **file_kinds.KINDS,
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_file_is_refused_in_words_or_read(kind: str, tmp_path: Path, trials: Trials) -> None:
    """Each document changed as a value, and its text changed as bytes."""
    name, base, read = KINDS[kind]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    document = base()
    write = as_json if path.suffix == ".json" else lambda value: yaml.safe_dump(value, allow_unicode=True).encode()
    mutants = [(title, write(value)) for title, value in documents(document, count(30), kind)]
    for title, data in [*mutants, *contents(write(document), count(30), kind)]:
        path.write_bytes(data)
        survive(title, lambda: read(path))
        trials.add()


TEXTS: dict[str, tuple[str, Callable[[], bytes], Read]] = {
    "stretches of a long load": ("stretches.jsonl", long_stretches, read_stretches),
    "source": ("Mine.vy", lambda: (CONTRACTS / "plain" / "PlainCoordinator.vy").read_bytes(), read_source),
    "foundry.toml": (
        "foundry.toml",
        lambda: b'[profile.default]\nsrc = "src"\nlibs = ["lib"]\nremappings = ["a/=lib/a/"]\n',
        lambda path: project_folders(path.parent),
    ),
    "series of a load": (
        "load/buffer-20261124-110000/series.csv",
        lambda: b"t,chain,offered,succeeded\n" + b"1,base,2.0,1.5\n" * 20,
        lambda path: read_series(path.parents[2]),
    ),
    "relayer's store": ("relayer.sqlite", sound_store, relayer_store),
    "journal of a deployment": (
        "deployment.journal.jsonl",
        lambda: b"".join(as_json(line) + b"\n" for line in JOURNAL),
        journal,
    ),
    "key in hexadecimal": ("key", lambda: b"0x" + b"11" * 32, signing_key),
    **file_kinds.TEXTS,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_changed_text_is_refused_in_words_or_read(kind: str, tmp_path: Path, trials: Trials) -> None:
    """What is no document: sources, tables, databases."""
    name, base, read = TEXTS[kind]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    for title, data in contents(base(), count(30), kind):
        path.write_bytes(data)
        survive(title, lambda: read(path))
        trials.add()


def survive(title: str, action: Callable[[], object]) -> object:
    """What an action gives; None for an error of the lab's. Anything else is a bug, and names its mutant."""
    try:
        with no_hang():
            return action()
    except LabError as error:
        return None if str(error) else title
    except BaseException as error:
        raise AssertionError(f"{title}: {type(error).__name__}: {error}") from error


def test_a_changed_attestation(tmp_path: Path, trials: Trials) -> None:
    """It is beside a sound document."""
    path = attested(tmp_path) / "one.yaml"
    base = yaml.safe_load(path.read_text(encoding="utf-8"))
    base = {key: str(value) for key, value in base.items()}
    for title, value in documents(base, count(40), "attestation"):
        path.write_text(yaml.safe_dump(value), encoding="utf-8")
        survive(title, lambda: statements(path))
        trials.add()


def test_a_changed_checklist(tmp_path: Path, trials: Trials) -> None:
    """Markdown takes any text; what is none of it is refused."""
    path = tmp_path / "checklist.md"
    text = "# Release\n\n## Contracts\n\n- [ ] Audit done\n- [x] Keys in `safe`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    for title, data in contents(text.encode(), count(40), "checklist"):
        path.write_bytes(data)
        survive(title, lambda: import_checklist(path))
        trials.add()


@pytest.mark.parametrize("name", ["manifest.json", "history.jsonl", "verdict.json", "metrics.json"])
def test_changed_evidence_gains_no_pass(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], trials: Trials
) -> None:
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
            trials.add()
            assert code in (0, 1, 3, None), title
            assert met or code != 0, title
            assert name == "manifest.json" or data == before or code != 0, title


def test_a_changed_bundle(tmp_path: Path, trials: Trials) -> None:
    """Bytes of an archive."""
    recorded_run(tmp_path / "results/20261124-110000-0000/case")
    (tmp_path / "results/latest").symlink_to("20261124-110000-0000")
    assert CliRunner().invoke(app, ["report", str(tmp_path / "results")]).exit_code == 3
    bundle = tmp_path / "bundle.tar.gz"
    write_bundle(tmp_path / "results", bundle)
    base = bundle.read_bytes()
    for title, data in contents(base, count(30), "bundle"):
        bundle.write_bytes(data)
        survive(title, lambda: verify_bundle(bundle, deployment_page=deployment_page))
        trials.add()


# Here options are what is looked at, and compiling takes time, too.
COMPILERS = (
    "lab.commands.explore.introduced.compile_target",
    "lab.session.suite.compile_contract",
)
# A number that is none of these is refused before anything begins.
NO_NUMBERS = ("", " ", "nan", "inf", "-inf", "1e308", "1e999", "9" * 30, "0x10", "-1")


def is_number(parameter: Any) -> bool:
    """Whether a parameter takes a number, as its command declares it."""
    return parameter.type_descriptor.annotation in (int, float)


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


def test_no_option_has_a_value_that_ends_in_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: Trials
) -> None:
    """Nor one that is accepted although it is no number, nor one that makes folders outside of the results."""
    monkeypatch.chdir(tmp_path)
    for place in (*PLACES, *COMPILERS):
        monkeypatch.setattr(place, start)
    every = [line for names, command in commands(typer.main.get_command(app)) for line in lines_of(names, command)]
    numbers = [line for line in every if is_number(line[0]) and line[1] in NO_NUMBERS]
    assert {line[0].name for line in numbers} >= {"seeds", "minutes", "tps", "port", "speed", "nonce"}
    others = [line for line in every if line not in numbers]
    sample = random.Random(SEED).sample(others, min(count(12), len(others)))
    print(f"{len(numbers) + len(sample)} of {len(every)} command lines, seed {SEED}")
    for parameter, value, words in [*numbers, *sample]:
        title = f"lab {' '.join(words)!a:.200}"
        trials.add()
        with no_hang():
            result = CliRunner().invoke(app, words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise AssertionError(title) from result.exception
        assert result.exit_code in (0, 1, 2, 3, 4, STARTED), title
        if is_number(parameter) and value in NO_NUMBERS:
            assert result.exit_code == 2, title
            assert parameter.opts[0] in result.output, title
    assert not Path("/nonexistent").exists()
