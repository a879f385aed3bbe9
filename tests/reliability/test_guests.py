"""Relayers that cheat: what they ask for, what they send, what they leave running, what they write."""

from __future__ import annotations

import http.client
import json
import random
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lab.chains.nodes.guard import guarding_works
from lab.chains.processes.reaper import Reaper
from lab.chains.scheduler import Scheduler
from lab.evidence import Recorder
from lab.faults.transport.methods import SEND, SEND_SYNC
from lab.faults.transport.proxy import FaultProxy
from lab.faults.transport.submits import Submits
from lab.model.records import Note, Submit
from lab.model.session import Session
from lab.scenario.item import RelayerSpec
from lab.session.lab import Lab
from lab.session.relayer.launch import Launch
from lab.session.relayer.process import RelayerProcess
from tests.unit.conftest import StartLab, reference, start_lab
from tests.unit.faults.typed import TYPES, raw_of
from tests.unit.real_chains import buffer_args
from tests.waiting import PATIENCE_S, eventually

from .figures import Trials

pytestmark = pytest.mark.reliability
__all__ = ["reference", "start_lab"]
CHAIN = "arbitrum"
ONE = "0x1"
# What a guest would like to do, with parameters that the node would take: {owner}, {me}, {contract} are addresses.
CHEATS: dict[str, list[Any]] = {
    "eth_sendTransaction": [{"from": "{owner}", "to": "{contract}", "data": "0x8456cb59"}],
    "eth_sendUnsignedTransaction": [{"from": "{owner}", "to": "{contract}", "data": "0x8456cb59"}],
    "eth_sign": ["{owner}", "0x00"],
    "eth_signTransaction": [{"from": "{owner}", "to": "{me}", "gas": "0x5208"}],
    "eth_signTypedData_v4": ["{owner}", {}],
    "personal_sign": ["0x00", "{owner}"],
    "personal_unlockAccount": ["{owner}", "", 60],
    "anvil_impersonateAccount": ["{owner}"],
    "anvil_autoImpersonateAccount": [True],
    "hardhat_impersonateAccount": ["{owner}"],
    "anvil_setBalance": ["{me}", "0xffffffffffffffffffffff"],
    "hardhat_setBalance": ["{me}", "0xffffffffffffffffffffff"],
    "tenderly_setBalance": ["{me}", "0xffffffffffffffffffffff"],
    "anvil_addBalance": ["{me}", "0xffffff"],
    "anvil_setCode": ["{contract}", "0x60006000f3"],
    "anvil_setStorageAt": ["{contract}", "0x" + "00" * 32, "0x" + "11" * 32],
    "anvil_setNonce": ["{me}", "0x63"],
    "anvil_mine": ["0x10"],
    "evm_mine": [],
    "evm_increaseTime": ["0xe10"],
    "evm_setNextBlockTimestamp": ["0x7fffffff"],
    "evm_setAutomine": [True],
    "evm_setIntervalMining": [1],
    "evm_snapshot": [],
    "evm_revert": ["0x0"],
    "anvil_reset": [],
    "anvil_reorg": [1, []],
    "anvil_rollback": [1],
    "anvil_dropAllTransactions": [],
    "anvil_removePoolTransactions": ["{owner}"],
    "anvil_dumpState": [],
    "anvil_setChainId": [1],
    "anvil_setCoinbase": ["{me}"],
    "anvil_setNextBlockBaseFeePerGas": ["0x0"],
    "anvil_nodeInfo": [],
    "evm_setBlockGasLimit": ["0x1"],
    "debug_traceTransaction": ["0x" + "00" * 32],
    "debug_setHead": ["0x0"],
    "trace_block": ["latest"],
    "txpool_content": [],
    "ots_getApiLevel": [],
    "rpc_modules": [],
    "miner_start": [],
    "admin_nodeInfo": [],
    "engine_newPayloadV3": [],
    "eth_sendBundle": [{}],
    "eth_sendPrivateTransaction": [{"tx": "0x"}],
    "eth_resend": [{}],
    "eth_submitWork": [],
    "eth_coinbase": [],
    "wallet_sendTransaction": [{}],
}


@dataclass
class Endpoint:
    """A real chain behind the proxy that guests are given."""

    lab: Lab
    proxy: FaultProxy

    def post(self, body: Any) -> Any:
        """The answer to a body; None for an empty one."""
        port = int(self.proxy.url(CHAIN).split(":")[2].partition("/")[0])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
        connection.request("POST", f"/{CHAIN}", json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse().read()
        connection.close()
        return json.loads(answer) if answer else None

    def submits(self) -> list[Submit]:
        """What is on record of sends."""
        return [record for record in self.lab.recorder.records if isinstance(record, Submit)]

    def state(self) -> list[Any]:
        """Whatever a cheat could have changed."""
        call, contract = self.lab.chains[CHAIN].producer.rpc.call, self.lab.spec.target.address
        addresses = [*self.lab.operators(), contract]
        return [
            call("eth_getBlockByNumber", "latest", False)["hash"],
            [call("eth_getBalance", address, "latest") for address in addresses],
            [call("eth_getTransactionCount", address, "latest") for address in addresses],
            [call("eth_getStorageAt", contract, hex(slot), "latest") for slot in range(8)],
            call("eth_getCode", contract, "latest"),
            call("txpool_status"),
            call("eth_chainId"),
            call("anvil_nodeInfo")["environment"],
        ]


@pytest.fixture
def endpoint(start_lab: StartLab) -> Iterator[Endpoint]:
    lab = start_lab(CHAIN, relayer=RelayerSpec(1000, "ready"))
    lab.scheduler.advance_to(2000)
    chain = lab.chains[CHAIN]
    chain.look()
    submits = Submits(chain, lab.scheduler, lab.recorder, lab.spec.target.codec)
    proxy = FaultProxy(lab.chains, lab.policies, {CHAIN: submits})
    proxy.start()
    yield Endpoint(lab, proxy)
    proxy.close()
    assert proxy.failure is None


def request(method: str, params: Any, number: Any = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def filled(value: Any, names: dict[str, str]) -> Any:
    """Parameters with addresses in them."""
    if isinstance(value, str):
        return value.format(**names)
    if isinstance(value, dict):
        return {key: filled(part, names) for key, part in value.items()}
    return [filled(part, names) for part in value] if isinstance(value, list) else value


def test_fifty_ways_to_drive_the_node(endpoint: Endpoint, trials: Trials) -> None:
    """Alone, in a batch, and as a notification: refused in a provider's words, on record, and nothing has changed."""
    owner, me = endpoint.lab.operators()[:2]
    names = {"owner": owner, "me": me, "contract": endpoint.lab.spec.target.address}
    before = endpoint.state()
    for method, params in CHEATS.items():
        trials.add()
        asked = request(method, filled(params, names))
        alone, (_, second) = endpoint.post(asked), endpoint.post([request("eth_chainId", []), asked])
        for answer in (alone, second):
            assert answer["error"]["code"] == -32601, method
            assert answer["error"]["message"] == f"the method {method} does not exist/is not available"
        endpoint.post({key: value for key, value in asked.items() if key != "id"})
    assert endpoint.state() == before
    assert endpoint.submits() == []
    kinds = [record.kind for record in endpoint.lab.recorder.records if isinstance(record, Note)]
    assert set(kinds) == {"refused"}


def test_names_of_methods_are_taken_literally(endpoint: Endpoint, trials: Trials) -> None:
    """No spelling of a forbidden one gets through: case, spaces, other scripts, control characters."""
    rng = random.Random(7)
    before = endpoint.state()
    for method in rng.sample(sorted(CHEATS), 12):
        for spelling in (
            method.upper(), method.title(), f" {method}", f"{method} ", f"{method}\u200b", f"{method}\x00",
            method.replace("_", "__"), method.replace("_", "."), method.replace("e", "\u0435"),
            f"eth_chainId\n{method}",
        ):  # fmt: skip
            trials.add()
            assert endpoint.post(request(spelling, []))["error"]["code"] == -32601, repr(spelling)
    assert endpoint.state() == before


def test_every_way_to_send_is_on_record(endpoint: Endpoint, trials: Trials) -> None:
    """Each type by each method, alone, in a batch, unanswered: one record for each, with the same fields."""
    lab, chain, number = endpoint.lab, endpoint.lab.chains[CHAIN], 0
    # Not yet there under the rules of Arbitrum's node; `test_sends` has it on Ethereum.
    for kind in (kind for kind in TYPES if kind != "set code"):
        for form in ("alone", "batch", "notification"):
            data = lab.spec.target.codec.encode("buffer_transaction", buffer_args(lab, CHAIN, number + 1))
            signed = raw_of(
                kind, chain_id=chain.profile.chain_id, to=chain.contract, data=data, role="operator", nonce=number
            )
            asked = request(SEND_SYNC if form == "batch" else SEND, [signed, 1] if form == "batch" else [signed])
            if form == "notification":
                del asked["id"]
            endpoint.post([asked] if form == "batch" else asked)
            trials.add()
            number += 1
    records = endpoint.submits()
    assert [submit.nonce for submit in records] == list(range(number))
    assert {submit.function for submit in records} == {"buffer_transaction"}
    assert [(submit.nonce, submit.error) for submit in records if submit.outcome != "ok"] == []
    lab.scheduler.sleep(5)
    chain.look()
    chain.observer.flush()
    assert {submit.tx for submit in records} == set(chain.observer.observed) - _setup(chain.observer.observed)
    assert not [record for record in lab.recorder.records if isinstance(record, Note)]


def _setup(observed: dict[str, Any]) -> set[str]:
    return {tx_hash for tx_hash, (number, _) in observed.items() if number <= 1}


def test_bytes_that_are_no_transaction(endpoint: Endpoint, trials: Trials) -> None:
    """Mutants of signed ones: whatever the node says, what it took is on record, and what it did not is not mined."""
    lab, chain = endpoint.lab, endpoint.lab.chains[CHAIN]
    rng = random.Random(11)
    for number in range(60):
        trials.add()
        sound = bytes.fromhex(raw_of(rng.choice(TYPES), chain_id=chain.profile.chain_id, to=chain.contract)[2:])
        mutant = bytearray(sound)
        for _ in range(rng.randint(1, 3)):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        cut = mutant[: rng.randrange(1, len(mutant))] if number % 5 == 0 else mutant + bytes(number % 2)
        answer = endpoint.post(request(SEND, ["0x" + bytes(cut).hex()]))
        if "result" in answer:
            assert answer["result"] in {submit.tx for submit in endpoint.submits() if submit.outcome == "ok"}
    lab.scheduler.sleep(5)
    chain.look()
    chain.observer.flush()
    assert not [each for each in lab.recorder.records if isinstance(each, Note) and each.kind == "stray"]


@pytest.mark.skipif(not guarding_works(), reason="no network namespaces (Linux, and the right to make one)")
def test_no_node_is_found_behind_the_endpoint(endpoint: Endpoint) -> None:
    """A guest that tries every port on which this machine listens finds none that answers as the node."""
    ours = int(endpoint.proxy.url(CHAIN).split(":")[2].partition("/")[0])
    chain = endpoint.lab.chains[CHAIN]
    own = {process.pid for process in (psutil.Process(), *psutil.Process().children(recursive=True))}
    ports = {
        int(found.laddr[1])
        for found in psutil.net_connections("tcp")
        if found.laddr and found.status == psutil.CONN_LISTEN and found.pid in own
    }
    assert ours in ports
    assert int(chain.node.url.rpartition(":")[2]) not in ports
    for port in ports - {ours}:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(b"POST / HTTP/1.0\r\nContent-Type: application/json\r\n\r\n{}")


STAY = "import time; time.sleep(600)"
DEAF = f"import signal; signal.signal(15, signal.SIG_IGN); {STAY}"
# Programs that will not go, or leave something behind. Each writes the pids of what it left to the file `left`.
LEAVE = """
import os, subprocess, sys, time
def left(pid):
    with open({left!r}, "a") as file: file.write(f"{{pid}}\\n")
{body}
left(os.getpid())
{end}
"""
LEAVERS = {
    "a session of its own": (
        "left(subprocess.Popen([sys.executable, '-c', {stay!r}], start_new_session=True).pid)",
        "",
    ),
    "a session without environment": (
        "left(subprocess.Popen([sys.executable, '-c', {stay!r}], start_new_session=True, env={{}}).pid)",
        "",
    ),
    "deaf children": (
        "left(subprocess.Popen([sys.executable, '-c', {deaf!r}]).pid)",
        "",
    ),
    "a stopped child": (
        "it = subprocess.Popen([sys.executable, '-c', {stay!r}]); left(it.pid); os.kill(it.pid, 19)",
        "",
    ),
    "a wrapper that ends": ("left(subprocess.Popen([sys.executable, '-c', {stay!r}]).pid)", "os._exit(0)"),
    "a deep tree": (
        "import pathlib\nfor _ in range(5):\n    if os.fork(): time.sleep(600)\n    os.setsid(); left(os.getpid())",
        "",
    ),
}


class _Quiet:
    last_ms = 0

    def any_unmined(self) -> bool:
        return False


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[Callable[[str], RelayerProcess]]:
    """Starts a script as a relayer."""
    session = Session(
        run_id="test", backend="process", clock="real", genesis_time=1_800_000_000, chains={}, accounts={},
        key_file="keys.json", store_path="relayer.sqlite", poll_interval_ms=50, state_numbering={}, abi=[],
    )  # fmt: skip
    with Reaper.start() as reaper:
        made: list[RelayerProcess] = []

        def launch(script: str) -> RelayerProcess:
            words = (sys.executable, "-c", script, "--api-key", "CANARY-4711")
            what = Launch(words, session, tmp_path / "session.json", tmp_path / "relayer.log")
            submits: Any = [_Quiet()]
            relayer = RelayerProcess(what, Scheduler("real"), Recorder(None), submits, reaper)
            made.append(relayer)
            relayer.start()
            return relayer

        yield launch
        for relayer in made:
            relayer.kill()


@pytest.mark.parametrize("how", LEAVERS)
def test_a_relayer_ends_whole(
    how: str, launched: Callable[[str], RelayerProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it started is gone with it, in other sessions and without its environment, too."""
    from lab.session.relayer import process as relayer_process

    monkeypatch.setattr(relayer_process, "STOP_S", 0.5)
    body, end = LEAVERS[how]
    left = tmp_path / "left"
    script = LEAVE.format(left=str(left), body=body.format(stay=STAY, deaf=DEAF), end=end or "time.sleep(600)")
    relayer = launched(script)
    wanted = 6 if how == "a deep tree" else 2
    eventually(lambda: left.exists() and len(left.read_text().split()) >= wanted, "the processes to be started")
    pids = [int(word) for word in left.read_text().split()]
    relayer.close()
    eventually(lambda: not any(map(_runs, pids)), f"the end of {pids}")


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


WRITERS = {
    "escapes": "print('\\x1b[2J\\x1b]0;owned\\x07red', flush=True)",
    "turned text": "print('\\u202egnp.exe\\u2066', flush=True)",
    "one long line": "print('x' * 5_000_000, flush=True)",
    "no text": "sys.stdout.buffer.write(bytes(range(256)) * 50); sys.stdout.flush()",
    "its key": "print('0x' + 'ab' * 32, flush=True)",
    "its options": "print(sys.argv, 'CANARY-4711', flush=True)",
    "many lines": "print('line\\n' * 400_000, flush=True)",
}


@pytest.mark.parametrize("end", ["closed", "killed"])
@pytest.mark.parametrize("what", WRITERS)
def test_what_a_relayer_writes(what: str, end: str, launched: Callable[[str], RelayerProcess], tmp_path: Path) -> None:
    """It is quoted in a few lines that a terminal can be sent, without keys; the log is kept so, and short."""
    relayer = launched(f"import sys, time\n{WRITERS[what]}\nprint('that was it', flush=True)\ntime.sleep(600)")
    eventually(lambda: "that was it" in relayer.last_words(), "the last line")
    quoted = relayer.last_words()
    if end == "killed":
        relayer.kill()
    relayer.close()
    kept = (tmp_path / "relayer.log").read_text(encoding="utf-8")
    for text in (quoted, kept):
        assert all(line.replace("\t", "").isprintable() for line in text.splitlines())
        assert "CANARY" not in text
        assert "abab" not in text
    assert len(quoted) < 16 * 410
    assert len(kept) < 1_000_000
