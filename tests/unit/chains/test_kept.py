"""A node that is kept from run to run is the process of before, and nothing else of it is left."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.kept import BLOCKS_MAX, KEPT_MAX
from lab.chains.nodes.process import ProcessBackend, ProcessNode
from lab.coordinator import role_account
from lab.networks import load_network
from lab.networks.anvil import L1_BLOCK, anvil_args, genesis_calls
from lab.rpc import HttpTransport
from tests.unit.conftest import StartLab

GENESIS = 1_800_000_000
OWNER, OTHER = role_account("owner").address, role_account("relayer").address
# Deploys a contract of one byte at an address that its code and a salt decide.
DEPLOYER, CREATE = "0x4e59b44847b379578588920ca78fbf26c0b4956c", "0x" + "00" * 32 + "600160005360016000f3"


def spec(network: str = "optimism", run: str = "test", log: Path | None = None, name: str = "a") -> NodeSpec:
    args = anvil_args(load_network(network), genesis_time=GENESIS)
    return NodeSpec(name, run, args, log, private=True, lasting=True)


def started(backend: ProcessBackend, wanted: NodeSpec) -> tuple[ProcessNode, HttpTransport]:
    (node,) = backend.start_all([wanted])
    return node, HttpTransport(node.url, timeout_s=600, connect=node.connect)


def driven(ask: HttpTransport, network: str) -> list[Any]:
    """Each block of a short life in which everything is changed that a fault changes, and what is said of accounts."""
    profile, blocks = load_network(network), []
    for method, *params in genesis_calls(profile, ""):
        ask.call(method, params)
    for number in range(1, 8):
        fees = {"gas": hex(100_000), "maxFeePerGas": hex(10**13), "maxPriorityFeePerGas": hex(10**11)}
        ask.call("eth_sendTransaction", [{"from": OWNER, "to": OTHER, "value": hex(number)} | fees])
        ask.call("eth_sendTransaction", [{"from": OTHER, "to": DEPLOYER, "input": CREATE} | fees])
        ask.call("anvil_setNextBlockBaseFeePerGas", [10**9 + number])
        blocks += ask.call("anvil_mine_detailed", [{"timestamp": GENESIS + 2 * number}])
    ask.call("anvil_rollback", [3])
    ask.call("anvil_setCoinbase", ["0x" + "00" * 19 + "fe"])
    ask.call("evm_setBlockGasLimit", [hex(5_000_000)])
    ask.call("evm_setNextBlockTimestamp", [GENESIS + 60])
    blocks += ask.call("anvil_mine_detailed", [])
    ask.call("eth_sendTransaction", [{"from": OWNER, "to": OTHER, "value": "0x1"} | fees])
    seen = [ask.call("eth_getBalance", [at, "latest"]) for at in (OWNER, OTHER, L1_BLOCK)]
    return [*blocks, *seen, ask.call("eth_getBlockReceipts", ["0x3"]), ask.call("eth_feeHistory", ["0x4", "0x4", [50]])]


@pytest.mark.parametrize("network", ["ethereum", "polygon", "arbitrum", "optimism"])
def test_a_kept_node_lives_as_a_fresh_one(backend: ProcessBackend, network: str) -> None:
    """Block for block, by their hashes, with receipts, fees and balances."""
    lives, pids = [], set()
    for _ in range(3):
        node, ask = started(backend, spec(network))
        pids.add(node.pid)
        lives.append(driven(ask, network))
        node.pause()
        node.resume()
        node.leave()
        node.stop()

    assert len(pids) == 1
    _, fresh = started(backend, spec(network, run="another"))
    assert lives == 3 * [driven(fresh, network)]


def test_so_does_one_that_was_killed_and_got_its_chain_back(backend: ProcessBackend) -> None:
    """A run may have ended it, and started it again from the state that it left."""
    node, ask = started(backend, spec())
    life = driven(ask, "optimism")
    state = ask.call("anvil_dumpState", [True])
    node.restart()
    HttpTransport(node.url, connect=node.connect).call("anvil_loadState", [state])
    node.leave()
    node.stop()

    kept, ask = started(backend, spec())
    assert kept.pid == node.pid
    assert driven(ask, "optimism") == life


def use_long(node: ProcessNode, ask: HttpTransport) -> None:
    ask.call("anvil_mine", [BLOCKS_MAX + 1, 1])


@pytest.mark.parametrize(
    "use",
    [
        use_long,
        lambda node, ask: ask.call("anvil_impersonateAccount", [DEPLOYER]),
        lambda node, ask: ask.call("evm_setAutomine", [True]),
        lambda node, ask: node.kill(),
    ],
    ids=["long chain", "cheat", "automine", "killed"],
)
def test_what_cannot_be_made_fresh_is_ended(
    backend: ProcessBackend, use: Callable[[ProcessNode, HttpTransport], object]
) -> None:
    """The next run has a process of its own."""
    node, ask = started(backend, spec())
    use(node, ask)
    pid = node.pid
    node.leave()
    node.stop()

    assert not node.alive()
    assert started(backend, spec())[0].pid != pid


def test_only_what_was_left_is_kept_and_only_for_its_like(backend: ProcessBackend) -> None:
    """A run that broke off leaves nothing; flags and the run's marks are those that were asked for."""
    broken_off, _ = started(backend, spec())
    broken_off.stop()
    assert not broken_off.alive()

    node, _ = started(backend, spec())
    node.leave()
    node.stop()
    others = [started(backend, other)[0] for other in (spec("base"), spec(run="another"))]
    assert node.pid not in {other.pid for other in others}
    assert started(backend, spec())[0].pid == node.pid


def test_few_wait_and_none_outlasts_the_backend(backend: ProcessBackend) -> None:
    """The one that waits longest makes room."""
    nodes = backend.start_all([spec(name=f"n{number}") for number in range(KEPT_MAX + 1)])
    for node in nodes:
        node.leave()
        node.stop()
    assert [node.alive() for node in nodes] == [False] + KEPT_MAX * [True]

    backend.close()
    assert not any(node.alive() for node in nodes)


def test_each_run_has_the_log_of_its_time(backend: ProcessBackend, tmp_path: Path) -> None:
    """Whatever a node logs stands in the run's own file, and only there."""
    loud = [spec(log=tmp_path / f"{number}.log", name="n") for number in range(2)]
    args = tuple(flag for flag in loud[0].args if flag != "--silent")
    logs = []
    for number, quiet in enumerate(loud):
        wanted = NodeSpec("n", quiet.run_id, args, quiet.log_path, private=True, lasting=True)
        node, ask = started(backend, wanted)
        ask.call("anvil_setCoinbase", [f"0x{number + 1:040x}"])
        ask.call("web3_sha3", ["0x" + hashlib.sha256(bytes([number])).hexdigest()])
        node.leave()
        node.stop()
        logs.append((tmp_path / f"{number}.log").read_text())
    assert "Available Accounts" in logs[0]
    assert "web3_sha3" in logs[0]
    assert "web3_sha3" in logs[1]
    assert "Available Accounts" not in logs[1]
    backend.close()
    assert [(tmp_path / f"{number}.log").read_text() for number in range(2)] == logs


def test_a_lab_that_ended_well_leaves_its_nodes(start_lab: StartLab) -> None:
    """Under the virtual clock, with what it handed over ahead answered."""
    first = start_lab("sepolia")
    chain = first.chains["sepolia"]
    first.scheduler.advance_to(60_000)
    chain.begin()
    chain.leave()
    chain.disconnect()
    chain.node.stop()

    assert start_lab("sepolia").chains["sepolia"].node.pid == chain.node.pid  # type: ignore[attr-defined]
