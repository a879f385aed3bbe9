"""Every command of `lab ops` as an operator types it: what its exit code says, in words of JSON, and on record."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from lab.cli import app
from lab.ops.report import AUDIT, EVIDENCE

from .conftest import Site, address

pytestmark = pytest.mark.real_clock
SOMEBODY, OPERATOR = address("user"), address("operator")
CHAIN = "sepolia"
EVERY_S = 0.05
# Of a chain that will not answer nobody needs to wait long.
SILENT_MS = 300


@dataclass
class Operator:
    """Somebody at the command line of one chain with the contract, whose blocks come by themselves."""

    here: Site
    new: str
    printed: list[str] = field(default_factory=list)

    @property
    def records(self) -> Path:
        """Where evidence and audit logs are, a folder for each session."""
        return self.here.folder / "results" / "ops"

    def run(self, words: str, *more: str) -> int:
        """The exit code of a command with --json; what it printed has to be JSON that says the same."""
        text = words.replace("SOMEBODY", SOMEBODY).replace("OPERATOR", OPERATOR).replace("NEW", self.new)
        text = text.replace("BACKUPS", str(self.here.folder / "backups"))
        given = [*text.split(), *more, "--json", "--deployment", str(self.here.session)]
        ended = CliRunner().invoke(app, ["ops", *given, "--results", str(self.here.folder / "results")])
        assert ended.exception is None or isinstance(ended.exception, SystemExit), repr(ended.exception)
        self.printed.append(ended.stdout)
        document = json.loads(ended.stdout)
        if isinstance(document, dict):
            assert document["exit_code"] == ended.exit_code, ended.output
        return ended.exit_code

    def wait_at_most(self, milliseconds: int) -> None:
        """For each answer of a chain, from now on."""
        session = json.loads(self.here.session.read_text())
        self.here.session.write_text(json.dumps({**session, "rpc_timeout_ms": milliseconds}))

    def evidence(self) -> list[dict[str, Any]]:
        """Of all commands so far, in their order."""
        return [json.loads(path.read_text()) for path in sorted(self.records.glob(f"*/*/{EVIDENCE}"))]

    def audited(self) -> list[dict[str, Any]]:
        """The lines of the audit log."""
        return [json.loads(line) for path in self.records.glob(f"*/{AUDIT}") for line in path.read_text().splitlines()]

    def send(self, role: str, function: str, *args: Any) -> None:
        """Past the lab, and final."""
        self.here.send(CHAIN, role, function, *args)
        self.here.mine(3)


@dataclass(frozen=True)
class Case:
    """A command: what brings about that it differs, the words that leave it so, and those that bring it to equal."""

    differs: str
    equal: str
    before: Callable[[Operator], None] = lambda operator: None
    sends: bool = True
    again: Callable[[Operator], None] = lambda operator: None


def stranger(operator: Operator) -> None:
    """One among the operators whom nobody declared."""
    operator.send("owner", "add_operator", SOMEBODY)


def stopped(operator: Operator) -> None:
    """By somebody else."""
    operator.send("owner", "pause")


def in_maintenance(operator: Operator) -> None:
    """Begun, and not ended."""
    assert operator.run("maintenance begin --for 1h --yes") == 0


def saved(operator: Operator) -> None:
    """A backup of an open transaction; then a session of another contract, which is empty."""
    here = operator.here
    operator.send("operator", "buffer_transaction", *here.buffer_args(CHAIN, 1, in_s=500_000))
    assert operator.run("backup --to BACKUPS") == 0
    session = json.loads(here.session.read_text())
    session["chains"][CHAIN]["contract"], session["run_id"] = operator.new, "ops-new"
    here.session.write_text(json.dumps(session))


def opened(operator: Operator) -> None:
    """Something to move."""
    operator.send("operator", "buffer_transaction", *operator.here.buffer_args(CHAIN, 1, in_s=500_000))


def proposed(operator: Operator) -> None:
    """Somebody has yet to accept."""
    assert operator.run("rotate owner --to SOMEBODY --yes") == 1


# Without --yes, and without anybody to ask, nothing is sent: it still differs.
CASES: dict[str, Case] = {
    "operators list": Case("operators list", "operators list", stranger, sends=False),
    "operators add": Case("operators add SOMEBODY", "operators add SOMEBODY --yes"),
    "operators remove": Case("operators remove OPERATOR", "operators remove OPERATOR --yes"),
    "operators sync": Case("operators sync", "operators sync --yes", stranger),
    "pause": Case("pause --all", "pause --all --yes"),
    "unpause": Case("unpause --all", "unpause --all --yes", stopped),
    "revoke": Case("revoke OPERATOR --all", "revoke OPERATOR --all --yes"),
    "drift": Case("drift", "drift", stranger, sends=False),
    "health": Case("health", "health", stranger, sends=False),
    "backup": Case("", "backup --to BACKUPS", sends=False),
    "restore": Case("restore BACKUPS/sepolia.backup.json", "restore BACKUPS/sepolia.backup.json --yes", saved),
    "migrate": Case("migrate NEW", "migrate NEW --yes", opened),
    "rotate relayer": Case(
        "rotate relayer OPERATOR SOMEBODY", "rotate relayer OPERATOR SOMEBODY --yes --quiet 1s --drain-for 1m"
    ),
    "rotate operator": Case(
        "rotate operator OPERATOR SOMEBODY", "rotate operator OPERATOR SOMEBODY --yes --quiet 1s --drain-for 1m"
    ),
    "rotate owner": Case("rotate owner --to SOMEBODY --yes", "rotate owner --to SOMEBODY --accept --yes", proposed),
    "maintenance begin": Case("maintenance begin", "maintenance begin --yes"),
    "maintenance end": Case("maintenance end", "maintenance end --yes", in_maintenance, again=in_maintenance),
}


def leaves(group: Any, name: str = "") -> Iterator[str]:
    """The names of all commands."""
    for word, command in getattr(group, "commands", {}).items():
        full = f"{name} {word}".strip()
        yield from leaves(command, full) if getattr(command, "commands", None) else [full]


def test_no_command_is_left_out() -> None:
    """A new one needs a case."""
    group: typer.core.TyperGroup = getattr(get_command(app), "commands", {})["ops"]
    assert sorted(leaves(group)) == sorted(CASES)


@contextmanager
def blocks(here: Site) -> Iterator[None]:
    """They come until the block ends, but for those of a silent chain."""
    ended = threading.Event()

    def mine() -> None:
        while not ended.wait(EVERY_S):
            here.mine()

    thread = threading.Thread(target=mine)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def operator(site: Callable[..., Site]) -> Operator:
    """At the machine's time, with a second contract that is empty and set up as the first one."""
    here = site(CHAIN)
    rpc = here.rpc(CHAIN)
    head = int((rpc.block("latest") or {})["timestamp"], 16)
    rpc.call("evm_increaseTime", max(0, int(time.time()) - head))
    created = here.send_data(CHAIN, "owner", None, here.target.contract.bytecode, gas=10_000_000)
    assert created is not None
    new = created["contractAddress"].lower()
    setters: list[tuple[str, list[Any]]] = [("set_coordination_window", [60])]
    setters += [("add_operator", [address(role)]) for role in ("operator", "operator2", "relayer")]
    for function, args in setters:
        here.send_data(CHAIN, "owner", new, here.target.codec.encode(function, args))
    here.mine(3)
    return Operator(here, new)


@pytest.mark.parametrize("name", CASES)
def test_what_an_exit_code_says(operator: Operator, name: str) -> None:
    """1: it differs, and nothing was sent without a word. 0: as it should be. 3: the chain is silent. All on record."""
    case, rpc = CASES[name], operator.here.rpc(CHAIN)
    with blocks(operator.here):
        case.before(operator)
        nonces = rpc.nonce(address("owner")), rpc.nonce(OPERATOR)
        if case.differs:
            assert operator.run(case.differs) == 1
        if "--yes" not in case.differs:
            assert (rpc.nonce(address("owner")), rpc.nonce(OPERATOR)) == nonces
        lines = len(operator.audited())
        if case.before is stranger and not case.sends:
            operator.send("owner", "remove_operator", SOMEBODY)
        assert operator.run(case.equal) == 0, operator.printed[-1]
        told = operator.audited()[lines:]
        assert bool(told) is case.sends
        for line in told:
            receipt = rpc.receipt(line["tx"])
            assert receipt is not None
            assert (line["outcome"], receipt["status"], bool(line["who"]), bool(line["time"])) == (
                "confirmed", "0x1", True, True,
            )  # fmt: skip
        # Once more there is nothing to do; a maintenance that ended has to begin again.
        case.again(operator)
        lines = len(operator.audited())
        assert operator.run(case.equal) == 0
        assert (len(operator.audited()) == lines) is (name != "maintenance end")
        case.again(operator)
        operator.wait_at_most(SILENT_MS)
        operator.here.silence(CHAIN)
    assert operator.run(case.equal) == 3, operator.printed[-1]
    kept = operator.evidence()
    assert {one["exit_code"] for one in kept} >= {0, 3}
    assert all({"id", "procedure", "operation", "who", "exit_code"} <= set(one) for one in kept)
