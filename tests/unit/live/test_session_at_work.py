"""Reference relayer and exporter off the session file of a deployment, behind endpoints that want keys and fail."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest

from lab.coordinator import Account, Codec, Fees, Reader, StateNumbering, role_account, sign_transaction
from lab.live.execution.deploy import deploy_all
from lab.model.session import Session
from lab.networks import load_network
from tests.monitor.conftest import ExporterProcess
from tests.monitor.test_exporter import has
from tests.unit.endpoints import Asked, endpoint, forwarded
from tests.waiting import PATIENCE_S, eventually

from .conftest import Open, World
from .test_commands import prepare, run

pytestmark = [pytest.mark.real_clock, pytest.mark.reliability]
ORIGIN, TARGET = "arbitrum-sepolia", "base-sepolia"
TOKEN, HEADER = "C4naryToken7", "C4naryHeader7"
FAULT_EVERY = 4
OPERATOR = role_account("relayer")
PARENT, CHILD, NONE = (f"0x{number:064x}" for number in (0xA, 0xB, 0))


@contextmanager
def provider(node: str, met: list[int]) -> Iterator[str]:
    """It wants its key in path, query and header, and quotes it whenever it fails: each so many requests, in turn."""
    asked = count(1)

    def answer(request: Asked) -> tuple[int, bytes]:
        quoted = f"{request.path} {request.headers['X-Api-Key']}".encode()
        if request.path != f"/v3/{TOKEN}?apikey={TOKEN}" or request.headers["X-Api-Key"] != HEADER:
            return 401, quoted
        turn = next(asked)
        if turn % FAULT_EVERY:
            return 200, forwarded(node, request.body)
        met.append(turn)
        kind = turn // FAULT_EVERY % 5
        if kind == 0:
            # It took what it was sent, and its reply is lost.
            forwarded(node, request.body)
        return (502, 403, 429, 503, 200)[kind], quoted

    with endpoint(answer) as url:
        yield f"{url}/v3/{TOKEN}?apikey={TOKEN}#X-Api-Key={HEADER}"


def deployed(lab: World, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The contract on both chains, whose time is that of the clock from then on; the session file."""
    file = lab.folder / "deployment.yaml"
    # However slow the machine: what is under way has minutes.
    file.write_text(file.read_text().replace("coordination_window: 60", "coordination_window: 300"))
    prepare(lab, monkeypatch)
    assert [one.problem for one in deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting())] == [
        None
    ] * 2
    for name in lab.nodes:
        block = lab.rpc(name).block("latest") or {}
        lab.rpc(name).call("anvil_setBalance", OPERATOR.address, hex(10**21))
        lab.rpc(name).call("evm_increaseTime", max(0, round(time.time()) - int(block["timestamp"], 16)))
        lab.rpc(name).call("evm_setIntervalMining", 1)
    keys = lab.folder / "relayer-keys.json"
    keys.write_text(json.dumps({"relayer": "0x" + OPERATOR.key.hex()}))
    keys.chmod(0o600)
    code, said = run("session", "--out", "work/session.json", "--key-file", str(keys))
    assert code == 0, said
    return lab.folder / "work" / "session.json"


def buffer(lab: World, session: Session, name: str, tx_id: str, dependency: str, account: Account) -> None:
    """By the operator, past the endpoints."""
    rpc, chains = lab.rpc(name), session.chains
    other = TARGET if name == ORIGIN else ORIGIN
    args = [tx_id, chains[name].rollup, chains[other].rollup, "0x5a", dependency, round(time.time()) + 8]
    raw, tx_hash = sign_transaction(
        account,
        chain_id=load_network(name).chain_id,
        nonce=rpc.nonce(account.address),
        to=chains[name].contract,
        data=Codec.of(session).encode("buffer_transaction", args),
        gas=1_000_000,
        fees=Fees(10**12, 10**11),
    )
    rpc.send_raw(raw)
    rpc.call("evm_mine")
    receipt = rpc.receipt(tx_hash)
    assert receipt is not None
    assert receipt["status"] == "0x1"


class RelayerOfSession:
    """`python -m lab.relayer` with the session file."""

    def __init__(self, session: Path) -> None:
        command = [sys.executable, "-m", "lab.relayer", "--session", str(session)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
        self.said = ""
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def stop(self) -> int:
        """Its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE_S)
        self._reading.join(PATIENCE_S)
        return code


def test_a_flow_off_the_session_of_a_deployment(world: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Carried over, executed and counted, whatever the endpoints do; their keys are in the session file alone."""
    lab = world(ORIGIN, TARGET)
    with ExitStack() as stack:
        met: dict[str, list[int]] = {name: [] for name in lab.nodes}
        for name in lab.nodes:
            for place in "AB":
                url = stack.enter_context(provider(lab.nodes[name].url, met[name]))
                lab.variables[f"{name.upper().replace('-', '_')}_{place}"] = url
        path = deployed(lab, monkeypatch)
        session = Session.read(path)
        for name, tx_id, dependency in ((ORIGIN, PARENT, NONE), (TARGET, CHILD, PARENT)):
            buffer(lab, session, name, tx_id, dependency, OPERATOR)
        readers = {
            name: Reader(lab.rpc(name), Codec.of(session), chain.contract, StateNumbering(session.state_numbering))
            for name, chain in session.chains.items()
        }
        before = {name: len(faults) for name, faults in met.items()}
        relayer, exporter = RelayerOfSession(path), ExporterProcess(path)
        stack.callback(relayer.process.kill)
        stack.callback(exporter.process.kill)
        done = {ORIGIN: PARENT, TARGET: CHILD}
        eventually(
            lambda: all(readers[name].state(tx_id) == "EXECUTED" for name, tx_id in done.items()), lambda: relayer.said
        )
        for name in done:
            exporter.scrape_until(has("tesseract_transactions", 1, chain=name, state="EXECUTED"))
        _, metrics = exporter.scrape()
        assert (relayer.stop(), exporter.stop()) == (0, 0)
    assert all(len(met[name]) > before[name] for name in met), "faults were met"
    assert '"event": "endpoint"' in relayer.said
    said = relayer.said + metrics + json.dumps(exporter.lines) + "".join(exporter.words)
    files = {one.name: one.read_bytes() for one in path.parent.rglob("*") if one.is_file() and one != path}
    assert {"relayer.sqlite", "monitor.json"} <= set(files)
    for secret in (TOKEN, HEADER, OPERATOR.key.hex()):
        assert secret not in said
        assert [name for name, content in files.items() if secret.encode() in content] == []
