"""read_artifact: the JSON shapes of other tools, and a reason for each one that cannot be deployed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from lab.deploy.artifact import read_artifact
from lab.errors import CompileFailure, InvalidFile

PATH = Path("out/Coordinator.json")
ABI = [{"type": "function", "name": "x", "inputs": [], "outputs": [], "stateMutability": "view"}]
CODE = "0x60016002"


def read(document: Any) -> Any:
    """Read a document as if it stood in a file."""
    return read_artifact(PATH, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("document", "name", "runtime", "compiler"),
    [
        ({"abi": ABI, "bytecode": CODE}, "Coordinator", None, "unknown (artifact)"),
        ({"abi": ABI, "bytecode": CODE[2:].upper()}, "Coordinator", None, "unknown (artifact)"),
        (
            {
                "abi": ABI,
                "bytecode": {"object": CODE, "linkReferences": {}},
                "deployedBytecode": {"object": "0x6001"},
                "metadata": {"compiler": {"version": "0.8.30+commit.1"}},
            },
            "Coordinator",
            2,
            "0.8.30+commit.1",
        ),
        (
            {"contractName": "Other", "abi": ABI, "bytecode": CODE, "deployedBytecode": "0x600160"},
            "Other",
            3,
            "unknown (artifact)",
        ),
        (
            {
                "contractName": "Other",
                "abi": ABI,
                "deploymentBytecode": {"bytecode": CODE},
                "runtimeBytecode": {"bytecode": "0x60"},
                "compiler": {"name": "vyper", "version": "0.3.10"},
            },
            "Other",
            1,
            "vyper 0.3.10",
        ),
    ],
    ids=["plain", "no-prefix", "foundry", "hardhat", "ape"],
)
def test_each_shape(document: dict[str, Any], name: str, runtime: int | None, compiler: str) -> None:
    """ABI, creation code, runtime size and compiler are found where each tool puts them."""
    contract = read(document)
    assert (contract.abi, contract.bytecode) == (ABI, CODE)
    assert (contract.name, contract.runtime_size_bytes, contract.compiler) == (name, runtime, compiler)
    assert contract.bytecode_sha256 == hashlib.sha256(bytes.fromhex(CODE[2:])).hexdigest()
    assert contract.source_sha256 == hashlib.sha256(json.dumps(document).encode()).hexdigest()


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (ABI, "an ABI alone"),
        ({"abi": ABI}, "no creation bytecode"),
        ({"abi": ABI, "deployedBytecode": {"object": "0x60"}}, "got keys abi, deployedBytecode"),
        ({"bytecode": CODE}, "expected `abi`"),
        ({"abi": {"x": 1}, "bytecode": CODE}, "abi is an object"),
        ({"abi": ["x"], "bytecode": CODE}, "abi is a list"),
        ({"abi": ABI, "bytecode": "0x"}, "interface or abstract"),
        ({"abi": ABI, "bytecode": {"object": ""}}, "interface or abstract"),
        ({"abi": ABI, "bytecode": "0x60zz"}, "no hex"),
        ({"abi": ABI, "bytecode": "0x600"}, "no hex"),
        ({"abi": ABI, "bytecode": "0x73__$1234567890abcdef1234567890abcdef12$__63"}, "library"),
        ({"abi": ABI, "bytecode": 5}, "no creation bytecode"),
        ("text", "got a string"),
        (None, "got null"),
    ],
)
def test_what_cannot_be_deployed_is_refused_with_the_reason(document: Any, words: str) -> None:
    """The file is named, and what is missing."""
    with pytest.raises(CompileFailure) as caught:
        read(document)
    assert words in str(caught.value)
    assert str(PATH) in str(caught.value)


def test_malformed_json_is_located() -> None:
    """Line and column of the fault."""
    with pytest.raises(InvalidFile) as caught:
        read_artifact(PATH, b'{"abi": [],\n "bytecode" "0x"}')
    assert "Coordinator.json:2:13" in str(caught.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"[" * 200_000, b""])
def test_other_rubbish_is_an_invalid_file_too(data: bytes) -> None:
    """No decoder's own exception gets out."""
    with pytest.raises(InvalidFile):
        read_artifact(PATH, data)
