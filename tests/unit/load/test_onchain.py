"""What a chain says of a run's transactions: which succeeded, and why the first of the others did not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.load.analyse.onchain import OnchainResult, classify_block, read_onchain
from lab.load.drive.observer import SeenBlock
from lab.model.contract.names import ContractNames
from lab.rpc import Rpc, RpcRefused

ABI: list[dict[str, Any]] = [{"type": "error", "name": "NotAllowed", "inputs": []}]
NAMES = ContractNames(reverts={"Not authorized": "NotAllowed"})
GONE = RpcRefused("debug_traceTransaction", -32000, "it is gone")


@pytest.mark.parametrize(
    ("trace", "why"),
    [
        ({"output": "0x" + keccak(text="NotAllowed()")[:4].hex()}, '"Not authorized"'),
        ({"revertReason": "Paused"}, '"Paused"'),
        ({"error": "OutOfGas"}, '"OutOfGas"'),
        ({}, "without a reason"),
        (GONE, f"its reason is not known: {GONE}"),
    ],
)
def test_a_revert_has_its_reason(trace: Any, why: str) -> None:
    """In the lab's words, a custom error by its name; only the first one is traced."""
    hashes = ("0x" + "aa" * 32, "0x" + "bb" * 32)
    traced = []

    def call(method: str, tx_hash: str, options: dict[str, str]) -> Any:
        traced.append(tx_hash)
        if isinstance(trace, Exception):
            raise trace
        return trace

    receipt = {"status": "0x0", "gasUsed": "0x5208"}
    rpc = SimpleNamespace(logs=lambda *_: [], receipt=lambda _: receipt, call=call)
    onchain = OnchainResult([])
    block = SeenBlock(1, "0x1", 0, 0, 0, 0, 0.0, 0.0, b"\xaa" * 32 + b"\xbb" * 32)
    onchain.blocks.append(block)
    classify_block(cast("Rpc", rpc), "0x", Codec(ABI, NAMES), block, onchain)
    assert (onchain.why_reverted, onchain.succeeded.tolist(), traced) == (why, [False, False], [hashes[0]])


def test_a_state_that_is_gone_leaves_the_last_reason() -> None:
    """Nodes of a load keep few states: what the first revert ran on may be gone, that of the last one is there."""
    blocks = [SeenBlock(n, f"0x{n}", 0, 0, 0, 0, 0.0, 0.0, bytes([n]) * 32) for n in (1, 2, 3)]

    def call(method: str, tx_hash: str, options: dict[str, str]) -> Any:
        if tx_hash != "0x" + "03" * 32:
            raise GONE
        return {"revertReason": "Full"}

    rpc = SimpleNamespace(
        logs=lambda *_: [],
        receipt=lambda _: {"status": "0x0", "gasUsed": "0x5208"},
        call=call,
        block_number=lambda: 3,
        block=lambda number: {"hash": f"0x{number}"},
    )
    assert read_onchain(cast("Rpc", rpc), "0x", Codec(ABI, NAMES), blocks, 1).why_reverted == '"Full"'
