"""ABI fragments for the tests: the reference contract's own, read from its source's interface, and a few odd ones."""

from __future__ import annotations

from functools import cache
from typing import Any

from lab.paths import REFERENCE_CONTRACT
from tests.compiling import compile_once

ODD: list[dict[str, Any]] = [
    {
        "type": "function", "name": "mixed", "stateMutability": "view",
        "inputs": [
            {"name": "pairs", "type": "tuple[2]", "components": [
                {"name": "n", "type": "int128"},
                {"name": "inner", "type": "tuple", "components": [
                    {"name": "flag", "type": "bool"}, {"name": "raw", "type": "bytes"}]}]},
            {"name": "ids", "type": "bytes32[]"},
            {"name": "words", "type": "string"},
        ],
        "outputs": [{"name": "", "type": "uint256"}, {"name": "", "type": "address"}],
    },
    {"type": "event", "name": "Said", "anonymous": False, "inputs": [
        {"name": "text", "type": "string", "indexed": False}, {"name": "who", "type": "address", "indexed": True}]},
]  # fmt: skip


@cache
def reference_abi() -> list[dict[str, Any]]:
    """The ABI of the contract that the lab brings."""
    return compile_once(REFERENCE_CONTRACT).abi
