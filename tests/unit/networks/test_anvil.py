"""The node really carries a profile: flags, base fee, code size, caps and the L1 data fee."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from eth_account.signers.local import LocalAccount

from lab.networks import BUILT_IN, load_network
from lab.networks.anvil import (
    BLOCK_HASHES,
    anvil_args,
    enforces_tx_gas_cap,
    genesis_calls,
    l1_block_storage,
)
from lab.networks.l1_fee import l1_fee
from lab.networks.profile import NetworkProfile

from .conftest import GENESIS, Node

Start = Callable[[NetworkProfile], Node]

Account.enable_unaudited_hdwallet_features()
SENDER: LocalAccount = Account.from_mnemonic("test test test test test test test test test test test junk")
TARGET = "0x00000000000000000000000000000000000000ff"
OP_STACK = [name for name in BUILT_IN if load_network(name).l1_data_fee is not None]


def signed(profile: NetworkProfile, node: Node, **fields: Any) -> bytes:
    transaction: dict[str, Any] = {
        "type": 2,
        "chainId": profile.chain_id,
        "nonce": node.number("eth_getTransactionCount", SENDER.address, "latest"),
        "to": TARGET,
        "value": 0,
        "gas": 21_000,
        "maxFeePerGas": 10**12,
        "maxPriorityFeePerGas": profile.min_tip_wei,
        **fields,
    }
    return bytes(SENDER.sign_transaction(transaction).raw_transaction)


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_node_starts_as_the_network(name: str, start: Start) -> None:
    """Chain id, gas limit and genesis base fee are the profile's, and nothing is mined unasked."""
    profile = load_network(name)
    node = start(profile)
    head = node("eth_getBlockByNumber", "latest", False)
    assert node.number("eth_chainId") == profile.chain_id
    assert int(head["gasLimit"], 16) == profile.gas_limit
    assert int(head["baseFeePerGas"], 16) == profile.initial_base_fee_wei
    assert int(head["number"], 16) == 0
    assert int(head["timestamp"], 16) == GENESIS


@pytest.mark.parametrize("name", ["ethereum", "arbitrum", "base"])
def test_the_lab_can_drive_base_fee_and_time_of_every_block(name: str, start: Start) -> None:
    """Under Ethereum's and OP Stack's rules alike, the next block has the base fee and the timestamp that were set."""
    profile = load_network(name)
    node = start(profile)
    for step, base_fee in enumerate((12_345_678, 987_654_321, 7), start=1):
        node("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
        node("evm_setNextBlockTimestamp", GENESIS + step // 2)
        node("evm_mine")
        block = node("eth_getBlockByNumber", "latest", False)
        assert (int(block["number"], 16), int(block["baseFeePerGas"], 16)) == (step, base_fee)
        assert int(block["timestamp"], 16) == GENESIS + step // 2
        assert int(block["gasLimit"], 16) == profile.gas_limit


@pytest.mark.parametrize("name", ["ethereum", "polygon", "arbitrum", "optimism"])
def test_the_tag_finalized_follows_the_head_at_the_profiles_distance(name: str, start: Start) -> None:
    """After more blocks than the distance, `finalized` and `safe` are exactly as far behind as the profile says."""
    profile = load_network(name)
    node = start(profile)
    head = profile.tag_depth_blocks + 5
    node("anvil_mine", hex(head))
    for tag, depth in (("finalized", profile.tag_depth_blocks), ("safe", profile.tag_depth("safe"))):
        assert int(node("eth_getBlockByNumber", tag, False)["number"], 16) == head - depth


@pytest.mark.parametrize("name", ["ethereum", "polygon", "sepolia", "base"])
def test_the_code_size_limit_is_the_networks(name: str, start: Start) -> None:
    """A contract of exactly the limit is created, one byte more is not."""
    profile = load_network(name)
    node = start(profile)
    for size, status in ((profile.code_size_limit, 1), (profile.code_size_limit + 1, 0)):
        init_code = f"0x63{size:08x}6000f3"
        raw = signed(profile, node, to=None, data=init_code, gas=16_000_000)
        sent = node("eth_sendRawTransaction", "0x" + raw.hex())
        node("evm_mine")
        assert int(node("eth_getTransactionReceipt", sent)["status"], 16) == status


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_cap_of_a_transactions_gas_is_enforced_where_it_is_said_to_be(name: str, start: Start) -> None:
    """One unit of gas above 2^24 is refused exactly on the profiles for which `enforces_tx_gas_cap` says so."""
    profile = load_network(name)
    node = start(profile)
    raw = "0x" + signed(profile, node, gas=2**24 + 1).hex()
    if enforces_tx_gas_cap(profile):
        with pytest.raises(RuntimeError, match="tx_gas_limit_cap"):
            node("eth_sendRawTransaction", raw)
    else:
        sent = node("eth_sendRawTransaction", raw)
        node("evm_mine")
        assert node("eth_getTransactionReceipt", sent)["status"] == "0x1"


@pytest.mark.parametrize("name", ["ethereum", "arbitrum"])
def test_the_calldata_floor_is_there_but_on_arbitrum(name: str, start: Start) -> None:
    """1,000 non-zero bytes cost 61,000 gas under EIP-7623 and 37,000 without it."""
    profile = load_network(name)
    node = start(profile)
    sent = node("eth_sendRawTransaction", "0x" + signed(profile, node, data=b"\x01" * 1000, gas=100_000).hex())
    node("evm_mine")
    used = int(node("eth_getTransactionReceipt", sent)["gasUsed"], 16)
    assert used == (37_000 if name == "arbitrum" else 61_000)


def repetitive(draw: random.Random) -> bytes:
    """Bytes that repeat themselves at many lengths and distances."""
    data = draw.randbytes(draw.randrange(1, 40))
    while len(data) < draw.randrange(60, 1500):
        start = draw.randrange(len(data))
        data += data[start : start + draw.randrange(3, 320)] + draw.randbytes(draw.randrange(5))
    return data


@pytest.mark.parametrize("name", OP_STACK)
def test_a_transfer_pays_the_fjord_fee_to_the_wei(name: str, start: Start) -> None:
    """What leaves the sender's balance is value, execution and the L1 fee of the formula, nothing else."""
    profile = load_network(name)
    node = start(profile)
    for address, slot, value in l1_block_storage(profile):
        node("anvil_setStorageAt", address, slot, value)
    shapes = random.Random("payloads")
    for data in [b"", shapes.randbytes(700), b"rollup" * 200, *(repetitive(shapes) for _ in range(60))]:
        before = node.number("eth_getBalance", SENDER.address, "latest")
        raw = signed(profile, node, value=10**15, data=data, gas=200_000)
        sent = node("eth_sendRawTransaction", "0x" + raw.hex())
        node("evm_mine")
        receipt = node("eth_getTransactionReceipt", sent)
        execution = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        charged = before - node.number("eth_getBalance", SENDER.address, "latest")
        assert l1_fee(profile, raw) > 0
        assert charged - 10**15 - execution == l1_fee(profile, raw), data.hex()


def test_only_the_op_stack_has_storage_to_set() -> None:
    """Every other network gets nothing to set and costs nothing on L1."""
    for name in BUILT_IN:
        profile = load_network(name)
        assert bool(l1_block_storage(profile)) == (name in OP_STACK)
        assert (l1_fee(profile, b"\x02" * 200) > 0) == (name in OP_STACK)


@pytest.mark.parametrize("name", BUILT_IN)
def test_fast_networks_store_no_block_hashes(name: str, start: Start) -> None:
    """Nor after a restart with the state from before it; but where a contract names their address they do."""
    profile = load_network(name)
    node = start(profile)
    for method, *parameters in genesis_calls(profile, "0x6001"):
        node(method, *parameters)
    fast = profile.block_time_ms < 1_000
    assert not fast or node("eth_getCode", BLOCK_HASHES, "latest") == "0x"
    node("evm_mine")
    node("evm_mine")
    assert not fast or int(node("eth_getStorageAt", BLOCK_HASHES, "0x1", "latest"), 16) == 0
    assert ("anvil_setCode", BLOCK_HASHES, "0x") not in genesis_calls(profile, "0x73" + BLOCK_HASHES[2:].upper() + "3b")


def test_history_and_accounts_are_the_callers_choice() -> None:
    """`prune_history` and `accounts` reach the command line."""
    arguments = anvil_args(load_network("base"), genesis_time=GENESIS, prune_history=300, accounts=3)
    assert arguments[arguments.index("--prune-history") + 1] == "300"
    assert arguments[arguments.index("--accounts") + 1] == "3"
