"""More kinds of files as mutants take them: what loads, prices, operations, Safes and signatures read."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import yaml
from pydantic import TypeAdapter

from lab.bounded_files import read_json, read_model, read_object
from lab.commands.explore.merge import merge
from lab.commands.explore.requests import MergeRequest
from lab.commands.release.freeze import audited_digest
from lab.coordinator import Codec
from lab.deploy.compile import _read_cache as read_compiled
from lab.deploy.compiled import hash_hex
from lab.errors import UsageError
from lab.evidence.contract_source import read_contract_source
from lab.evidence.outcomes import OUTCOMES, names_against, names_in, note_outcome, outcome_of
from lab.explore.journal import journals_below
from lab.explore.mutate.build import Build
from lab.explore.mutate.trial import MutantOutcome
from lab.load.prepare.context import Context
from lab.load.prepare.sources import _owner_of as owner_of
from lab.load.record.plan import Plan
from lab.model.chain.genesis import GENESIS
from lab.model.chain.genesis import _File as GenesisFile
from lab.model.chain.prices import PRICES, Prices
from lab.model.session import Session
from lab.networks.preinstalls import FILE as PREINSTALLS
from lab.networks.preinstalls import Preinstalls
from lab.networks.rpc_methods import FILE as METHODS
from lab.networks.rpc_methods import ServedMethods
from lab.ops.declared import declared_by_file
from lab.ops.events import EventFile
from lab.ops.opening import _session_signer as session_signer
from lab.ops.procedures.maintenance import Begun
from lab.report.causes.effort import EFFORT, Efforts
from lab.report.evidence.signature import read_signature
from lab.report.evidence.suite_result import read_suite
from lab.report.records.report import read_readiness
from lab.report.release.sign import Opinion, sign
from lab.safe.calls import named_call
from lab.safe.proposal import SafeDescription, make_proposal, read_proposal
from lab.safe.published import DEPLOYMENTS, Deployments
from lab.sdk.coordinator import reference_abi
from lab.session.smoke_run import _kept as kept_smoke
from lab.traffic.book import Book, read_attempts
from lab.traffic.signed_file import read_signed
from lab.yamlsource import load_yaml, validate
from tests.unit.real_safes import OWNERS, signed
from tests.unit.report.readiness_page.test_files import report

Read = Callable[[Path], object]
FIGURES = {
    "network": "base",
    "gas_limit": 30_000_000,
    "gas_per_call": 100_000,
    "block_time_ms": 2000,
    "synthetic": True,
}
CONTEXT = {
    "schema_version": 1, "run_id": "r", "command": "lab load", "name": "n", "description": "d",
    "profile": {
        "name": "n", "description": "d", "networks": {"capacity": {}}, "traffic": [{"kind": "buffer", "payload": "0B"}],
        "shape": {"kind": "constant", "tps": 10, "duration": "10s"},
    },
    "chains": {
        "capacity": {
            "network": "base", "chain_id": 8453, "contract": "0x" + "11" * 20, "block_time_ms": 2000, "synthetic": True,
            "first_block": 1, "transaction_count": 0, "ceiling": FIGURES,
        },
    },
    "legs": [
        {
            "number": 0, "stream": "s", "kind": "buffer", "chain": "capacity", "other": "x", "label": "l", "payload": 0,
            "gas_estimate": 1, "gas_limit": 2, "salt": "s", "role": "owner",
        },
    ],
    "operators": {"capacity": 1}, "workers": 1,
    "signing": {"backend": "x", "signed": 1, "cached": 0, "seconds": 0.1, "processes": 1, "per_second": None},
    "abi": [], "made_of": {"backend": {"kind": "process"}},
}  # fmt: skip
PLAN = {
    "schema_version": 1, "run_id": "r", "folder": "/x", "workers": 1,
    "segments": [{"seconds": 1, "from_tps": 1, "to_tps": 2}],
    "streams": [{"name": "s", "share": 1, "legs": [{
        "number": 0, "chain": "base", "label": "x",
        "senders": [{"sender": 0, "path": "p", "first_nonce": 0, "count": 1}],
    }]}],
}  # fmt: skip
JUNIT = b"""<?xml version="1.0" encoding="utf-8"?>
<testsuites><testsuite name="tests 0123456789012345678901234567890123456789"><testcase classname="a" name="b"/>
<testcase classname="a" name="c"><failure message="x">y</failure></testcase></testsuite></testsuites>
"""


def document(path: Path) -> Any:
    """A YAML file of the lab's own."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def checked(model: Any) -> Read:
    """A file of the lab's own, as its loader checks it."""
    return lambda path: validate(load_yaml(path), model)


# What makes a kept result be made again.
KEPT = (OSError, ValueError, TypeError, LookupError, AttributeError)


def in_spite_of(read: Read, *errors: type[Exception]) -> Read:
    """The same where the caller is known to go on after these."""

    def quiet(path: Path) -> object:
        with suppress(*errors):
            return read(path)
        return None

    return quiet


def prices(path: Path) -> object:
    """As costs are worked out of them."""
    known = validate(load_yaml(path), Prices)
    return [(known.usd(name, 1e5, "typical"), known.break_even_gwei(name, 1e5, 1.0)) for name in known.networks]


def plan(path: Path) -> object:
    """As workers and the analysis look at it."""
    read = Plan.read(path)
    return read.peak_tps_by_chain(), read.seconds, read.legs()


def outcomes() -> bytes:
    """Lines of two runs and of a load."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        note_outcome(folder / "pays", {"item": "pays", "scenario_file": "scenarios/pays.yaml"}, "FAIL", made_with="ab")
        note_outcome(folder / "waits", {"item": "waits", "library": ""}, "PASS", made_with=None)
        note_outcome(folder / "load", {"profile": "buffer", "failed": {"LOAD-01": "3 were lost"}}, None, made_with=None)
        return (folder / OUTCOMES).read_bytes()


def noted(path: Path) -> object:
    """Of all runs, and of one."""
    names = sorted(names_in(path.parent) | names_against(path.parent))
    return [(name, outcome_of(path.parent / name, last=last)) for name in names for last in (False, True)]


def unsigned() -> Any:
    """A proposal of one call."""
    owners = tuple(one.address for one in OWNERS)
    of = SafeDescription(
        network="sepolia", chain_id=11155111, safe="0x" + "5a" * 20, version="1.4.1", threshold=2, owners=owners,
        block=7,
    )  # fmt: skip
    codec = Codec(reference_abi())
    return make_proposal(of, [named_call(codec, "0x" + "c0" * 20, "pause", codec.encode("pause", []))], 3)


def proposal() -> Any:
    """The same with two signatures, as its file holds it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "proposal.json")
        signed(unsigned(), *OWNERS[:2]).write(path)
        return read_json(path)


def unchanged_proposal(path: Path) -> object:
    """Whatever is read is what is signed: no other call goes by the words of the first."""
    read = read_proposal(path)
    assert read.hash != unsigned().hash or read.text == unsigned().text
    return read.text


@cache
def signature() -> tuple[bytes, bytes]:
    """A report and what signs it, without a key."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "readiness.json").write_text(report().model_dump_json())
        sign(folder, Opinion(name="A", role="", decision="NO-GO", note=""))
        return (folder / "readiness.json").read_bytes(), (folder / "signature.json").read_bytes()


def signature_read(path: Path) -> object:
    """Beside the report that it is of."""
    (path.parent / "readiness.json").write_bytes(signature()[0])
    return read_signature(path.parent)


def session_with(path: Path) -> Session:
    """A session whose keys are in this file."""
    from .test_mutants import UP_SESSION

    owner = {"owner": "0x" + "11" * 20}
    return Session.model_validate(UP_SESSION | {"key_file": str(path), "accounts": owner, "store_path": "x"})


def keys(path: Path) -> object:
    """As loads and operations look for the owner's."""
    session = session_with(path)
    path.chmod(0o600)
    for look in (lambda: owner_of(session), lambda: session_signer(session, path.parent, "0x" + "11" * 20)):
        try:
            look()
        except UsageError:
            continue
    return None


class Chain:
    """What a file of events asks of its chain."""

    chain_id, contract, start_block, codec = 1, "0x" + "11" * 20, 2, Codec(reference_abi())

    class rpc:
        """Every block is there."""

        @staticmethod
        def block(number: int) -> dict[str, Any]:
            return {"hash": "0x" + "aa" * 32}


def events(path: Path) -> object:
    """Up to a block before which nothing is asked of the chain."""
    chain: Any = Chain
    return list(EventFile(path, chain).events(1))


EVENTS = (
    b'{"events":1,"chain_id":1,"contract":"0x' + b"11" * 20 + b'","start_block":2}\n'
    b'{"first":1,"last":5,"hash":"0x' + b"aa" * 32 + b'","logs":[{"blockNumber":"0x1","topics":[],"data":"0x"}]}\n'
)
SWARM = {
    "schema_version": 1, "command": "swarm", "made_with": {"lab": "1", "node": "anvil 1", "contract": "Mine 1"},
    "work": {"first": 5, "seeds": 3}, "shard": "1/1", "about": None,
}  # fmt: skip
SEED = {
    "seed": 5, "verdict": "FAIL", "reasons": ["x"], "failed": ["S1"], "faults": ["reorg"], "digest": "aa", "runs": 1,
    "simulated_s": 5.0, "duration_s": 1.0, "minimal": "name: x\n",
    "shrunk": {
        "document": {"flows": {"f": {"a": {}}}, "networks": {"base": {}}, "timeline": []}, "runs": 3, "whole": True,
    },
}  # fmt: skip

MUTATION = {
    "schema_version": 1, "command": "mutate", "made_with": SWARM["made_with"], "shard": "1/2",
    "work": {"keys": ["a", "b"], "every_run": False},
    "about": {
        "started": "now", "lab": {"version": "1", "commit": None, "dirty": False},
        "contract": {"name": "x", "source_sha256": "a", "bytecode_sha256": "b"},
        "library": {"runs": 1, "of": 2, "left_out": []},
    },
}  # fmt: skip
MUTANT = {"key": "a", "status": "killed", "scenario": "ready", "check": "S4", "why": "w", "doubted": [], "runs": 1}


def journal_of_a_search(*lines: Any) -> bytes:
    """A first line and outcomes."""
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def search(path: Path) -> object:
    """As `lab merge` reads, joins and prints it; no seed is lost, and none that failed passes."""
    folder = path.with_name("search")
    folder.mkdir(exist_ok=True)
    shutil.copyfile(path, folder / "outcomes.jsonl")
    if path.suffix == ".json":
        with suppress(OSError, ValueError, TypeError):
            (folder / "outcomes.jsonl").write_bytes(journal_of_a_search(*read_json(path)))
    if journals_below([folder], "mutate", MutantOutcome):
        return None
    with patch("sys.stdout"):
        return merge(MergeRequest(folders=[folder], results=folder))


KINDS: dict[str, tuple[str, Callable[[], Any], Read]] = {
    "journal of a search": ("search.json", lambda: [SWARM, SEED, SEED | {"seed": 6, "verdict": "PASS"}], search),
    "journal of mutants": ("mutants.json", lambda: [MUTATION, MUTANT, MUTANT | {"key": "b"}], search),
    "signed envelope": ("signature.json", lambda: json.loads(signature()[1]), signature_read),
    "context of a load": ("context.json", lambda: CONTEXT, lambda path: Context.read(path.parent)),
    "plan of a load": ("plan.json", lambda: PLAN, plan),
    "prices": ("prices.yaml", lambda: document(PRICES), prices),
    "genesis blocks": ("genesis.yaml", lambda: document(GENESIS), checked(GenesisFile)),
    "preinstalls": ("preinstalls.yaml", lambda: document(PREINSTALLS), checked(Preinstalls)),
    "methods": ("methods.yaml", lambda: document(METHODS), checked(ServedMethods)),
    "effort": ("effort.json", lambda: read_json(EFFORT), lambda path: read_model(path, Efforts)),
    "declared operation": (
        "operations.yaml",
        lambda: {"version": 1, "owner": "0x" + "11" * 20, "operators": ["0x" + "22" * 20], "networks": {"base": {}}},
        lambda path: declared_by_file(path, ["base"]),
    ),
    "proposal": ("proposal.json", proposal, unchanged_proposal),
    "deployments of Safe": (
        "deployments.json", lambda: read_json(DEPLOYMENTS), lambda path: read_model(path, Deployments),
    ),
    "contract of a session": (
        "contract-source.json",
        lambda: {"bytecode_sha256": "b", "files": [{"name": "a.vy", "text": "x"}]},
        lambda path: read_contract_source(path.parent, "b"),
    ),
    "audited source": (
        "attestations/code-freeze.json",
        lambda: {"schema_version": 1, "source_sha256": "a" * 64},
        lambda path: audited_digest(path.parents[1]),
    ),
    "compiled contract": (
        "compiled.json",
        lambda: {
            "name": "Mine", "abi": reference_abi()[:3], "bytecode": "0x6001", "runtime_size_bytes": 1,
            "compiler": "vyper", "source_sha256": "a", "bytecode_sha256": hash_hex("0x6001"),
            "sources": [["Mine.vy", "a"]],
        },
        lambda path: read_compiled(path, path),
    ),
    "smoke run": (
        "smoke.json",
        lambda: {"states": {"EMPTY": 0}, "limits": {}},
        in_spite_of(lambda path: kept_smoke(read_object(path)), *KEPT),
    ),
    "build of a mutant": (
        "build.json",
        lambda: {"abi": [], "bytecode": "0x", "refused": None},
        in_spite_of(lambda path: TypeAdapter(Build).validate_python(read_object(path)), *KEPT),
    ),
    "maintenance of an operation": (
        "begun.json",
        lambda: {"until": 5.0, "reason": "x", "stopped": ["base"], "alertmanager": None, "silence": "s"},
        lambda path: read_model(path, Begun),
    ),
    "keys of a session": ("keys.json", lambda: {"owner": "0x" + "11" * 32}, keys),
    "readiness report": (
        "readiness.json", lambda: report().model_dump(mode="json"), read_readiness,
    ),
}  # fmt: skip
TEXTS: dict[str, tuple[str, Callable[[], bytes], Read]] = {
    "lines of a search": ("search.jsonl", lambda: journal_of_a_search(SWARM, SEED), search),
    "outcomes of runs": (OUTCOMES, outcomes, noted),
    "result of a test suite": ("tests.xml", lambda: JUNIT, read_suite),
    "events": ("events.jsonl", lambda: EVENTS, events),
    "signature": ("signature.json", lambda: signature()[1], signature_read),
    "attempts of a load": ("attempts-0.bin", lambda: bytes(256), lambda path: Book().read(read_attempts(path))),
    "signed transactions": (
        "signed.bin",
        lambda: b'{"format":"tesseract-lab signed transactions 1","first_nonce":0,"count":1}\n\x00\x08' + bytes(40),
        lambda path: list(read_signed(path)),
    ),
}
