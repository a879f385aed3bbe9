"""`lab up`, `lab status`, `lab down` as a user calls them, with real nodes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lab.chains.engine.client import connect
from lab.chains.nodes.provision import locate_anvil
from lab.cli import main
from lab.coordinator import Codec, Fees, role_account, sign_transaction
from lab.model.session import Session
from lab.owner import RUN_LABEL, RUN_VARIABLE, this_place
from lab.rpc import HttpTransport, Rpc
from lab.session.up.files import UpFolder, UpState

from .forked import forked

pytestmark = pytest.mark.real_clock

# Nothing is waited for longer than it takes; a machine under memory pressure may stop a node for a minute.
PATIENCE_S = 600
TX_ID = "0x" + "42" * 32


def lab(*arguments: str | Path, results: Path) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = ["lab", *map(str, arguments), "--results", str(results)]

    def body() -> int:
        os.environ["COLUMNS"] = "120"
        sys.argv = command
        main()
        return 0

    with tempfile.TemporaryDirectory() as folder:
        return subprocess.CompletedProcess(command, *forked(body, Path(folder)))


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def processes_of(run_id: str) -> dict[int, str]:
    """What a run has started and what still lives: pid -> command line."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.environ().get(RUN_VARIABLE) == run_id and process.status() != psutil.STATUS_ZOMBIE:
                found[process.pid] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def state_of(results: Path) -> UpState:
    state = UpFolder(results).state()
    assert state is not None
    return state


def rpc_of(session: Session, chain: str) -> Rpc:
    return Rpc(HttpTransport(session.chains[chain].rpc_url, timeout_s=PATIENCE_S))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two sub-second chains and the relayer, up for the tests of this module that change nothing."""
    folder = tmp_path_factory.mktemp("up")
    started = lab("up", "base", "second=arbitrum", "--backend", "process", results=folder)
    assert started.returncode == 0, started.stderr
    session = Session.read(folder / "up" / "session.json")
    for chain in session.chains.values():
        assert chain.rpc_url in started.stdout
        assert chain.contract in started.stdout
    assert all(address in started.stdout for address in session.accounts.values())
    yield folder
    run_id = session.run_id
    stopped = lab("down", results=folder)
    assert stopped.returncode == 0, stopped.stderr
    assert f"stopped run {run_id}" in stopped.stdout
    assert processes_of(run_id) == {}
    assert sorted(path.name for path in (folder / "up").iterdir()) == ["lock", "logs", "up.log"]


@pytest.fixture
def session(results: Path) -> Session:
    return Session.read(results / "up" / "session.json")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    """A results folder of this test's own, in which nothing is left running."""
    yield tmp_path
    lab("down", results=tmp_path)


def test_the_session_leads_to_chains_with_the_contract(session: Session) -> None:
    """Every URL is on 127.0.0.1 and answers with the chain id and the contract that the session states."""
    assert list(session.chains) == ["base", "second"]
    for chain in session.chains.values():
        rpc = rpc_of(session, chain.name)
        assert chain.rpc_url.startswith("http://127.0.0.1:")
        assert rpc.chain_id() == chain.chain_id
        assert len(rpc.call("eth_getCode", chain.contract, "latest")) > 1000


def test_keys_are_the_owners_alone(results: Path, session: Session) -> None:
    """keys.json holds the key of every account and can be read by its owner only."""
    path = results / "up" / "keys.json"

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert session.key_file == str(path)
    assert json.loads(path.read_text()).keys() == session.accounts.keys()


def test_the_relayer_is_handed_its_own_key_alone(results: Path, session: Session) -> None:
    """By a session of its own, which is the same but for that."""
    handed = Session.read(results / "up" / "relayer-session.json")
    keys = Path(handed.key_file)

    assert handed == session.model_copy(update={"key_file": str(results / "up" / "relayer-keys.json")})
    assert json.loads(keys.read_text()).keys() == {handed.relayer_role}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600


def test_blocks_come_by_themselves(session: Session) -> None:
    """Base is mined on wall time while nobody asks for it; Arbitrum without transactions stands still."""
    base, arbitrum = rpc_of(session, "base"), rpc_of(session, "second")
    first, still = base.block_number(), arbitrum.block_number()

    assert within(PATIENCE_S, lambda: base.block_number() >= first + 5)
    assert arbitrum.block_number() == still


def test_a_transaction_sent_to_a_node_is_mined(session: Session) -> None:
    """A wallet knows nothing of the lab: what it hands to the node comes into a block, on both kinds of chain."""
    user = role_account("user")
    for name, chain in session.chains.items():
        rpc = rpc_of(session, name)
        raw, tx_hash = sign_transaction(
            user, chain_id=chain.chain_id, nonce=rpc.nonce(user.address), to=user.address, data="0x", gas=100_000,
            fees=Fees(10**11, 10**9),
        )  # fmt: skip
        rpc.send_raw(raw)

        assert within(PATIENCE_S, lambda rpc=rpc, tx_hash=tx_hash: rpc.receipt(tx_hash) is not None), name  # type: ignore[misc]  # a lambda with defaults


def test_the_relayer_carries_a_transaction_to_its_end(session: Session) -> None:
    """What an operator buffers by hand is resolved and executed without further doing, on the wall's time."""
    chain, codec, operator = session.chains["second"], Codec(session.abi), role_account("operator")
    rpc = rpc_of(session, "second")
    due = max(int(time.time()), int(rpc.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)) + 3
    parties = [chain.rollup, session.chains["base"].rollup]
    raw, tx_hash = sign_transaction(
        operator, chain_id=chain.chain_id, nonce=rpc.nonce(operator.address), to=chain.contract, gas=500_000,
        data=codec.encode("buffer_transaction", [TX_ID, *parties, "0x1234", "0x" + "00" * 32, due]),
        fees=Fees(10**11, 10**9),
    )  # fmt: skip
    rpc.send_raw(raw)
    assert within(PATIENCE_S, lambda: rpc.receipt(tx_hash) is not None)
    read = codec.encode("get_transaction_state", [TX_ID])

    def executed() -> bool:
        state = codec.decode_result("get_transaction_state", rpc.eth_call(chain.contract, read))[0]
        return bool(state == session.state_numbering["EXECUTED"])

    assert within(PATIENCE_S, executed)


def test_status_shows_every_node(results: Path, session: Session) -> None:
    """URL, head and memory of each, exit code 0."""
    assert within(PATIENCE_S, lambda: bool(state_of(results).memory_bytes))

    shown = lab("status", results=results)

    assert shown.returncode == 0, shown.stdout
    for chain in session.chains.values():
        row = next(line for line in shown.stdout.splitlines() if chain.rpc_url in line)
        assert row.startswith(chain.name)
        assert " yes " in row
        assert row.endswith("MiB")
    assert "relayer  running" in shown.stdout


def test_a_second_up_names_the_running_one(results: Path, session: Session) -> None:
    """It is refused before anything starts, with the run and the way to stop it."""
    before = processes_of(session.run_id)

    refused = lab("up", "ethereum", results=results)

    assert refused.returncode == 2
    assert session.run_id in refused.stderr
    assert "lab down" in refused.stderr
    assert state_of(results).run_id == session.run_id
    assert processes_of(session.run_id) == before


def test_down_all_spares_a_lab_that_lives(results: Path, session: Session, tmp_path: Path) -> None:
    """Leftovers are what dead runs left: the networks of another folder go on."""
    before = processes_of(session.run_id)

    assert lab("down", "--all", results=tmp_path).returncode == 0

    assert before
    assert processes_of(session.run_id) == before


def test_a_dead_node_is_shown_and_the_others_go_on(own: Path) -> None:
    """Exit code 3, the dead one named, and the living one still gets its blocks."""
    assert lab("up", "base", "optimism", "--no-relayer", "--backend", "process", results=own).returncode == 0
    session = Session.read(own / "up" / "session.json")
    nodes = processes_of(session.run_id)
    chain_id = str(session.chains["optimism"].chain_id)
    victim = next(pid for pid, command in nodes.items() if f"--chain-id {chain_id} " in command)
    os.kill(victim, signal.SIGKILL)

    assert within(PATIENCE_S, lambda: "optimism" in state_of(own).problems)
    shown = lab("status", results=own)
    assert shown.returncode == 3
    rows = {line.split()[0]: line for line in shown.stdout.splitlines() if "http://" in line}
    assert " no " in rows["optimism"]
    assert " yes " in rows["base"]
    assert "relayer  off" in shown.stdout
    base = rpc_of(session, "base")
    head = base.block_number()
    assert within(PATIENCE_S, lambda: base.block_number() > head)


def test_a_killed_supervisor_leaves_nothing_and_blocks_nobody(own: Path) -> None:
    """SIGKILL: nodes and relayer are gone soon, `status` says so, and the next `up` starts over its files."""
    assert lab("up", "base", "--backend", "process", results=own).returncode == 0
    state = state_of(own)
    assert len(processes_of(state.run_id)) >= 2
    os.kill(state.supervisor.pid, signal.SIGKILL)

    assert within(PATIENCE_S, lambda: processes_of(state.run_id) == {})
    shown = lab("status", results=own)
    assert shown.returncode == 3
    assert "its supervisor is dead" in shown.stdout
    assert lab("up", "base", "--no-relayer", "--backend", "process", results=own).returncode == 0
    assert state_of(own).run_id != state.run_id


def test_down_cleans_up_after_a_dead_supervisor(own: Path) -> None:
    """A state file of a process that is long gone is removed and said; there is no such thing as a wrong `down`."""
    folder = UpFolder(own)
    folder.path.mkdir()
    owner, place = f"{os.getpid()}:1", this_place()
    folder.write(UpState(run_id="old", owner=owner, place=place, started="2026-01-01", networks=("base",)))

    first, second = lab("down", results=own), lab("down", results=own)

    assert (first.returncode, second.returncode) == (0, 0)
    assert "run old" in first.stdout
    assert "had died" in first.stdout
    assert "nothing is running" in second.stdout
    assert lab("status", results=own).returncode == 3


def test_a_contract_that_does_not_compile_is_one_error(own: Path) -> None:
    """The compiler's words come out of the background process; nothing runs, no state is left."""
    broken = own / "broken.vy"
    broken.write_text("# pragma version 0.4.3\n\n@external\ndef f() -> uint256:\n    return nothing\n")

    failed = lab("up", "base", "--backend", "process", "--contract", broken, results=own)

    assert failed.returncode == 2
    assert "broken.vy" in failed.stderr
    assert "return nothing" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert UpFolder(own).state() is None
    assert not (own / "up" / "session.json").exists()


def test_ctrl_c_while_starting_takes_the_background_process_along(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A node that never answers keeps `up` waiting; Ctrl-C ends it with 130, and node and supervisor with it.

    The node itself presses Ctrl-C once it runs: whoever watched it from here might come after `up` has given it up.
    """
    version = subprocess.run([locate_anvil().path, "--version"], capture_output=True, text=True, check=True).stdout
    mute, pid, kept = own / "anvil", own / "pid", own / "state"
    mute.write_text(
        f'#!/bin/sh\nif [ "$1" = --version ]; then cat <<E\n{version}E\nexit; fi\n'
        f'until [ -s "{pid}" ]; do sleep 0.01; done\ncp "{own}/up/supervisor.json" "{kept}"\n'
        f'kill -INT $(cat "{pid}")\nexec sleep 600\n'
    )
    mute.chmod(0o755)
    monkeypatch.setenv("LAB_ANVIL", str(mute))
    command = [sys.executable, "-m", "lab.cli", "up", "base", "--backend", "process", "--results", str(own)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    pid.write_text(str(process.pid))

    output, _ = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, output) == (130, "")
    state = UpState.model_validate_json(kept.read_text())
    assert not state.alive
    assert processes_of(state.run_id) == {}
    assert UpFolder(own).state() is None


def test_ctrl_c_ends_a_foreground_lab(own: Path) -> None:
    """Exit code 130, nothing left running, no state left."""
    command = [sys.executable, "-m", "lab.cli", "up", "base", "--foreground", "--backend", "process"]
    process = subprocess.Popen(
        [*command, "--results", str(own)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    printed = ""
    while printed.splitlines()[-1:] != ["stop     Ctrl-C"]:
        line = process.stdout.readline()
        assert line, f"it ended before the networks were up:\n{printed}"
        printed += line
    run_id = state_of(own).run_id
    assert "http://127.0.0.1:" in printed
    assert len(processes_of(run_id)) >= 2

    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert rest == ""
    assert processes_of(run_id) == {}
    assert UpFolder(own).state() is None


def test_docker_containers_are_kept_and_removed(own: Path, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same on the docker backend: a container while it is up, none after `down`."""
    monkeypatch.setenv("LAB_IMAGE", image)
    started = lab("up", "base", "--no-relayer", "--backend", "docker", results=own)
    assert started.returncode == 0, started.stderr
    session = Session.read(own / "up" / "session.json")
    assert session.backend == "docker"
    assert len(containers(session.run_id)) == 1
    base = rpc_of(session, "base")
    head = base.block_number()
    assert within(PATIENCE_S, lambda: base.block_number() >= head + 3)
    assert lab("status", results=own).returncode == 0

    assert lab("down", results=own).returncode == 0

    assert containers(session.run_id) == []


def containers(run_id: str) -> list[str]:
    client = connect()
    try:
        found = client.api.containers(all=True, filters={"label": f"{RUN_LABEL}={run_id}"})
        return [str(container["Id"]) for container in found]
    finally:
        client.close()
