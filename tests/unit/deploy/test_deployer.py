"""Contracts on real chains: same address everywhere, operators, window, learnt numbering, failures explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.coordinator import ROLES, StateNumbering, created_address, role_account
from lab.coordinator.states import DOCUMENTED, FLAGS
from lab.deploy import numbering
from lab.deploy.deployer import Deployable, deployable, set_up_calls, setup_transactions
from lab.errors import DeployFailure
from lab.model.contract.names import ContractNames, Limits, SecondRole, SetUpCall
from lab.networks import BUILT_IN
from tests.compiling import compile_once

from ..conftest import StartLab
from ..real_chains import buffer, send, tx_id

# The documented numbering 0..3 on plain integers, no optional parts, and a slot that is EMPTY when it is fresh.
PLAIN = """# pragma version 0.4.3
struct Entry:
    origin: address
    target: address
    dependency: bytes32
    timestamp: uint256
    state: uint256
event TransactionBuffered:
    tx_id: indexed(bytes32)
    origin_rollup: indexed(address)
    target_rollup: indexed(address)
    timestamp: uint256
owner: public(address)
authorized_operators: public(HashMap[address, bool])
entries: HashMap[bytes32, Entry]
coordination_window: public(uint256)

@deploy
def __init__():
    self.owner = msg.sender
    self.authorized_operators[msg.sender] = True
    self.coordination_window = 30

@external
def add_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.authorized_operators[operator] = True

@external
def set_coordination_window(window: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    self.coordination_window = window

@external
def buffer_transaction(tx_id: bytes32, origin_rollup: address, target_rollup: address, payload: Bytes[512],
                       dependency_tx_id: bytes32, timestamp: uint256):
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert self.entries[tx_id].state == 0, "Transaction already exists"
    self.entries[tx_id] = Entry(origin=origin_rollup, target=target_rollup, dependency=dependency_tx_id,
                                timestamp=timestamp, state=1)
    log TransactionBuffered(tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp)

@external
@view
def get_transaction_state(tx_id: bytes32) -> uint256:
    return self.entries[tx_id].state
"""


def compiled(folder: Path, name: str, source: str) -> Deployable:
    """A small contract of the test's own."""
    path = folder / f"{name}.vy"
    path.write_text(source)
    return deployable(compile_once(path))


@pytest.mark.parametrize("names", [BUILT_IN[:5], BUILT_IN[5:]])
def test_the_same_on_every_network(start_lab: StartLab, reference: Deployable, names: tuple[str, ...]) -> None:
    """Address, owner, operators, window, numbering; all of it in block 1 at genesis time."""
    lab = start_lab(*names)
    expected = created_address(role_account("owner").address, 0)
    operators = {role_account(role).address for role in ("owner", "operator", "operator2", "relayer")}
    assert set(lab.operators()) == operators
    for name, chain in lab.chains.items():
        reader = lab.reader(name)
        assert chain.contract == reference.address == expected
        assert reader.get("owner") == role_account("owner").address
        assert reader.get("coordination_window") == 60
        addresses = [role_account(role).address for role in ROLES]
        assert {a for a in addresses if reader.get("authorized_operators", a)} == operators
        assert reader.numbering.numbers == FLAGS
        deployed = reader.rpc.block(1)
        assert deployed is not None
        assert int(deployed["timestamp"], 16) == lab.genesis_time
        assert len(deployed["transactions"]) == 5
    facts = lab.facts()
    assert {fact.contract for fact in facts.values()} == {expected}
    assert len({fact.rollup for fact in facts.values()}) == len(names)


def test_capabilities(reference: Deployable, tmp_path: Path) -> None:
    """What the ABI shows, all functions of a part or none of it."""
    assert reference.capabilities == ("stop", "breaker", "expiry", "handover", "deadline", "batch")
    assert compiled(tmp_path, "Plain", PLAIN).capabilities == ()
    without = [entry for entry in reference.contract.abi if entry.get("name") != "unpause"]
    assert "breaker" not in deployable(replace(reference.contract, abi=without)).capabilities


def test_a_default_window_is_not_set_again(reference: Deployable) -> None:
    """Four transactions then, five else; the same bytes every time."""

    def raws(window_s: int) -> tuple[str, ...]:
        return setup_transactions(reference, chain_id=1, window_s=window_s, base_fee=10**9, min_tip=0)

    assert (len(raws(30)), len(raws(31))) == (4, 5)
    assert raws(31) == raws(31)


def test_what_is_said_of_another_contract_is_left_out(reference: Deployable) -> None:
    """A project file's constructor, set-up and roles where its contract is not the one that is deployed."""
    names = ContractNames(
        constructor=(5,),
        set_up=(SetUpCall(function="set_fee"), SetUpCall(function="add_operator", args=("nobody",))),
        second_roles={"keeper": SecondRole(hash="0x" + "11" * 32)},
        defaults={"coordination_window": 30},
    )
    target = deployable(reference.contract, names)
    assert target.contract == reference.contract
    assert target.codec.names == ContractNames(defaults={"coordination_window": 30})
    assert set_up_calls(target, window_s=30) == set_up_calls(reference, window_s=30)


def test_the_documented_numbering_is_learnt(start_lab: StartLab, tmp_path: Path) -> None:
    """From one simulated buffering, which leaves nothing behind: a real one reads as BUFFERED then."""
    lab = start_lab("ethereum", target=compiled(tmp_path, "Plain", PLAIN))
    reader = lab.reader("ethereum")
    assert lab.numbering().numbers == DOCUMENTED
    assert reader.get("get_transaction_state", numbering.PROBE_ID) == 0
    buffer(lab, "ethereum", 1)
    lab.scheduler.advance_to(30_000)
    assert lab.reader("ethereum").get("get_transaction_state", tx_id(1)) == 1
    assert lab.reader("ethereum").state(tx_id(1)) == "BUFFERED"


def test_the_numbering_of_a_contract_with_demands_is_learnt(start_lab: StartLab, tmp_path: Path) -> None:
    """One that takes no empty payload, and no timestamp beyond the horizon that is declared for it."""
    demands = "    assert len(payload) > 0\n    assert timestamp <= block.timestamp + 60\n"
    there = '    assert self.authorized_operators[msg.sender], "Not authorized"\n    assert self.entries'
    assert PLAIN.count(there) == 1
    contract = compiled(tmp_path, "Demanding", PLAIN.replace(there, demands + there)).contract
    limited = ContractNames(limits=Limits(horizon_seconds=60))
    lab = start_lab("ethereum", target=deployable(contract, limited))
    assert lab.numbering().numbers == DOCUMENTED


@pytest.mark.parametrize("plain", [True, False])
def test_the_numbering_of_a_contract_out_of_operation_is_learnt(
    start_lab: StartLab, reference: Deployable, tmp_path: Path, plain: bool
) -> None:
    """Stopped, and asked for who is no operator: what a buffering that reverts leaves behind is no BUFFERED."""
    target = compiled(tmp_path, "Plain", PLAIN) if plain else reference
    lab, nobody = start_lab("ethereum", target=target), role_account("user").address
    if target.codec.has("pause"):
        send(lab, "ethereum", "owner", "pause")
        lab.scheduler.advance_to(30_000)
        assert lab.reader("ethereum").get("paused")
    reader = lab.reader("ethereum")
    known = numbering.numbering_of(reader.rpc, target.codec, target.address, nobody)
    assert known.numbers == (DOCUMENTED if plain else FLAGS)
    assert not reader.get("authorized_operators", nobody)


def test_declared_states_are_taken_as_they_are(start_lab: StartLab, tmp_path: Path) -> None:
    """They win over what could be learnt, for a deployment of anybody's, too."""
    contract = compiled(tmp_path, "Plain", PLAIN).contract
    declared = {"EMPTY": 0, "BUFFERED": 7, "READY": 8, "EXECUTED": 9}
    target = deployable(contract, ContractNames(states=declared))
    lab = start_lab("ethereum", target=target)
    assert lab.numbering().numbers == declared
    owner = role_account("owner").address
    assert numbering.numbering_of(lab.reader("ethereum").rpc, target.codec, target.address, owner).numbers == declared


def test_a_contract_that_refuses_the_probe_is_judged_by_its_abi(start_lab: StartLab, tmp_path: Path) -> None:
    """One that compares a fresh slot with a flag refuses every first buffering: no crash of the lab."""
    refusing = PLAIN.replace("self.entries[tx_id].state == 0", "self.entries[tx_id].state == 9")
    lab = start_lab("ethereum", target=compiled(tmp_path, "Refusing", refusing))
    assert lab.numbering().numbers == StateNumbering.of_abi(lab.spec.target.contract.abi).numbers


@pytest.mark.parametrize(
    ("broken", "what", "reason"),
    [
        (("    self.owner = msg.sender\n", '    assert False, "No luck today"\n'), "the deployment", "No luck today"),
        (
            ('    assert msg.sender == self.owner, "Only owner can add operators"\n', '    assert False, "Full"\n'),
            "set-up transaction 1, add_operator(",
            "Full",
        ),
        (
            ('    assert msg.sender == self.owner, "Only owner can set window"\n', "    assert window < 1\n"),
            "set-up transaction 4, set_coordination_window(",
            "revert",
        ),
    ],
)
def test_a_failure_says_which_transaction_and_why(
    start_lab: StartLab, tmp_path: Path, broken: tuple[str, str], what: str, reason: str
) -> None:
    """With the chain, the contract and its file."""
    assert broken[0] in PLAIN
    target = compiled(tmp_path, "Broken", PLAIN.replace(*broken))
    with pytest.raises(DeployFailure) as caught:
        start_lab("polygon", target=target)
    text = str(caught.value)
    assert text.startswith(f"polygon: expected {what}")
    assert f" of Broken ({target.contract.source_path}) to succeed, it failed: " in text
    assert reason in text.rpartition("it failed: ")[2]
    assert caught.value.exit_code == 1
