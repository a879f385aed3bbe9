"""read_artifact: the shapes in which other tools write contracts, and a reason for each one that cannot be deployed."""

from __future__ import annotations

import codecs
import hashlib
import json
import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Codec
from lab.deploy.artifacts.artifact import CORE, read_artifact
from lab.deploy.artifacts.artifact_shapes import UNKNOWN
from lab.errors import CompileFailure, InvalidFile
from lab.model.contract.abi import whole_abi
from tests.compiling import compile_once

PATH = Path("out/Coordinator.json")
ABI = [{"type": "function", "name": "x", "inputs": [], "outputs": [], "stateMutability": "view"}]
CODE = "0x60016002"


def read(document: Any) -> Any:
    """Read a document as if it stood in a file."""
    return read_artifact(PATH, json.dumps(document).encode())


# What each tool writes for the contract Other in src/Other.vy, with the name and the compiler that it tells.
SINGLE: dict[str, tuple[Any, str, int | None, str]] = {
    "plain": ({"abi": ABI, "bytecode": CODE}, "Coordinator", None, UNKNOWN),
    "no prefix, upper case": ({"abi": ABI, "bytecode": CODE[2:].upper()}, "Coordinator", None, UNKNOWN),
    "upper-case prefix, line end": ({"abi": ABI, "bytecode": f"0X{CODE[2:]}\n"}, "Coordinator", None, UNKNOWN),
    "abi as text": ({"abi": json.dumps(ABI), "bytecode": CODE}, "Coordinator", None, UNKNOWN),
    "foundry": (
        {"abi": ABI, "bytecode": {"object": CODE, "linkReferences": {}}, "deployedBytecode": {"object": "0x6001"},
         "metadata": {"compiler": {"version": "0.8.30+commit.1"}, "language": "Solidity"}},
        "Coordinator", 2, "solidity 0.8.30+commit.1",
    ),
    "hardhat": (
        {"_format": "hh-sol-artifact-1", "contractName": "Other", "sourceName": "src/Other.vy", "abi": ABI,
         "bytecode": CODE, "deployedBytecode": "0x600160", "linkReferences": {}},
        "Other", 3, UNKNOWN,
    ),
    "ape": (
        {"contractName": "Other", "sourceId": "src/Other.vy", "abi": ABI, "deploymentBytecode": {"bytecode": CODE},
         "runtimeBytecode": {"bytecode": "0x60"}, "compiler": {"name": "vyper", "version": "0.3.10"}},
        "Other", 1, "vyper 0.3.10",
    ),
    "ape's manifest": (
        {"manifest": "ethpm/3", "contractTypes": {"Other": {"abi": ABI, "deploymentBytecode": {"bytecode": CODE}}},
         "compilers": [{"name": "vyper", "version": "0.4.0", "contractTypes": ["Other"]}]},
        "Other", None, "vyper 0.4.0",
    ),
    "brownie": (
        {"abi": ABI, "bytecode": CODE[2:], "deployedBytecode": "6001", "contractName": "Other", "language": "Vyper",
         "compiler": {"version": "0.3.7", "evm_version": "istanbul"}},
        "Other", 2, "vyper 0.3.7",
    ),
    "truffle": (
        {"contractName": "Other", "abi": ABI, "bytecode": CODE, "compiler": {"name": "solc", "version": "0.5.16"}},
        "Other", None, "solc 0.5.16",
    ),
    "moccasin": ({"contract_name": "Other", "bytecode": CODE[2:], "abi": ABI, "vm": "evm"}, "Other", None, UNKNOWN),
    "vyper's combined_json": (
        {"src/Other.vy": {"abi": ABI, "bytecode": CODE, "bytecode_runtime": "0x6001"}, "version": "0.4.3"},
        "Other", 2, "vyper 0.4.3",
    ),
    "solc's combined json": (
        {"contracts": {"src/Other.sol:Other": {"abi": json.dumps(ABI), "bin": CODE[2:], "bin-runtime": "60"}},
         "version": "0.8.30"},
        "Other", 1, "0.8.30",
    ),
    "standard json": (
        {"compiler": "vyper-0.4.3", "sources": {}, "contracts": {"src/Other.vy": {"Other": {
            "abi": ABI, "evm": {"bytecode": {"object": CODE}, "deployedBytecode": {"object": "0x60"}}}}}},
        "Other", 1, "vyper-0.4.3",
    ),
    "hardhat's build-info": (
        {"solcLongVersion": "0.8.30+commit.1", "input": {"sources": {}}, "output": {"contracts": {"src/Other.sol": {
            "Other": {"abi": ABI, "evm": {"bytecode": {"object": CODE[2:], "linkReferences": {}}}}}}}},
        "Other", None, "solc 0.8.30+commit.1",
    ),
    "remix": (
        {"deploy": {"VM:-": {"linkReferences": {}}}, "data": {"bytecode": {"object": CODE[2:], "opcodes": "PUSH1"},
         "deployedBytecode": {"object": "6001"}, "gasEstimates": {}}, "abi": ABI},
        "Coordinator", 2, UNKNOWN,
    ),
    "sourcify": (
        {"abi": ABI, "match": "exact_match", "creationBytecode": {"onchainBytecode": f"{CODE}00", "recompiledBytecode":
         CODE}, "runtimeBytecode": {"recompiledBytecode": "0x60"}},
        "Coordinator", 1, UNKNOWN,
    ),
    "a list of them": ([{"contractName": "Other", "abi": ABI, "bytecode": CODE}], "Other", None, UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize("tool", SINGLE)
@pytest.mark.parametrize("mark", [b"", codecs.BOM_UTF8], ids=["", "mark"])
def test_each_shape(tool: str, mark: bytes) -> None:
    """ABI, creation code, runtime size, name and compiler are found where each tool puts them."""
    document, name, runtime, compiler = SINGLE[tool]
    data = mark + json.dumps(document).encode()
    contract = read_artifact(PATH, data)
    assert (contract.abi, contract.bytecode) == (ABI, CODE)
    assert (contract.name, contract.runtime_size_bytes, contract.compiler) == (name, runtime, compiler)
    assert contract.bytecode_sha256 == hashlib.sha256(bytes.fromhex(CODE[2:])).hexdigest()
    assert contract.source_sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize(
    ("lines", "runtime"),
    [
        ([json.dumps(ABI), CODE], None),
        ([json.dumps(ABI), CODE, CODE[:6]], 2),
        ([CODE[:6], CODE, json.dumps(ABI)], 2),
        (["", json.dumps(ABI), "", CODE[2:], ""], None),
    ],
)
def test_what_the_compiler_prints(lines: list[str], runtime: int | None) -> None:
    """An ABI and codes on a line each, in whatever order they were asked for."""
    contract = read_artifact(PATH, "\r\n".join(lines).encode())
    assert (contract.abi, contract.bytecode, contract.runtime_size_bytes) == (ABI, CODE, runtime)


@pytest.mark.parametrize("formats", ["combined_json", "abi,bytecode,bytecode_runtime", "bytecode,abi"])
def test_what_this_compiler_really_writes(tmp_path: Path, formats: str) -> None:
    """The same code as from the source."""
    source = tmp_path / "Small.vy"
    source.write_text("x: public(uint256)\n")
    program = Path(sysconfig.get_path("scripts")) / "vyper"
    printed = subprocess.run([program, "-f", formats, source], capture_output=True, check=True).stdout
    contract = read_artifact(tmp_path / "Small", printed)
    expected = compile_once(source)
    assert (contract.name, contract.abi, contract.bytecode) == ("Small", expected.abi, expected.bytecode)


def entry(functions: Sequence[str] = (), code: str = CODE) -> dict[str, Any]:
    """One contract of a manifest."""
    abi = [{"type": "function", "name": name} for name in functions]
    return {"abi": abi, "deploymentBytecode": {"bytecode": code}}


def manifest(**contracts: dict[str, Any]) -> bytes:
    """Ape's file of a whole project."""
    return json.dumps({"manifest": "ethpm/3", "contractTypes": contracts}).encode()


def test_of_several_the_one_that_can_be_meant() -> None:
    """The only one with code, then the only one with the core operations."""
    assert read_artifact(PATH, manifest(IMine=entry(CORE, ""), Mine=entry(["x"]))).name == "Mine"
    assert read_artifact(PATH, manifest(Token=entry(["x"]), Mine=entry(CORE))).name == "Mine"


def test_several_that_could_be_meant_are_listed() -> None:
    """The likeliest first, with how to choose."""
    data = manifest(IMine=entry(CORE, ""), Token=entry(["x"]), Mock=entry(CORE), Mine=entry([*CORE, "owner"]))
    with pytest.raises(CompileFailure) as caught:
        read_artifact(PATH, data)
    assert str(caught.value).splitlines() == [
        f"{PATH}: expected one contract that could be meant, got 4; choose one by its name, as in "
        f"`--contract {PATH}:Mine`:",
        "  Mine: 4 of 14 documented functions",
        "  Mock: 3 of 14 documented functions",
        "  Token: 0 of 14 documented functions",
        "  IMine: 3 of 14 documented functions, no bytecode",
    ]
    assert read_artifact(PATH, data, "Mock").name == "Mock"
    with pytest.raises(CompileFailure, match="expected one contract called Moch, got none of that name; choose one"):
        read_artifact(PATH, data, "Moch")
    with pytest.raises(CompileFailure, match="the bytecode is empty"):
        read_artifact(PATH, data, "IMine")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("0x60zz", "'z' is its character 3"),
        ("60 01", "' ' is its character 3"),
        ("0x600", "3 digits are an odd number"),
    ],
)
def test_what_is_no_hex_is_named_with_its_place(code: str, said: str) -> None:
    """White space within is none either, whatever Python takes."""
    with pytest.raises(CompileFailure, match="the bytecode is no hex string: " + said):
        read_artifact(PATH, json.dumps({"abi": [], "bytecode": code}).encode())


@pytest.mark.parametrize("wanted", ["a/One.vy:One", "a/One.vy"])
def test_two_of_one_name_by_their_files(wanted: str) -> None:
    """The name alone would be either."""
    contracts = {f"{folder}/One.vy": {"One": {"abi": [], "evm": {"bytecode": {"object": code}}}}
                 for folder, code in (("a", "0x6001"), ("b", "0x6002"))}  # fmt: skip
    data = json.dumps({"contracts": contracts}).encode()
    assert read_artifact(PATH, data, wanted).bytecode == "0x6001"
    with pytest.raises(CompileFailure, match=r"called One, got 2 of them; choose .*Coordinator\.json:a/One\.vy:One`"):
        read_artifact(PATH, data, "One")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (ABI, "an ABI alone"),
        ({"abi": ABI}, "no creation bytecode"),
        ({"abi": ABI, "deployedBytecode": {"object": "0x60"}}, "got keys abi, deployedBytecode"),
        ({"bytecode": CODE}, "this is code alone; expected `abi`, got keys bytecode"),
        ({"abi": {"x": 1}, "bytecode": CODE}, "abi is an object"),
        ({"abi": "no list", "bytecode": CODE}, "abi is a string"),
        ({"abi": ["x"], "bytecode": CODE}, "abi[0]: expected an object, got 'x'"),
        ({"abi": [*ABI, {"type": "function"}], "bytecode": CODE}, "abi[1]: expected a name for this function"),
        ({"abi": [{"name": "f", "inputs": [{"name": "a"}]}], "bytecode": CODE}, "abi[0].inputs[0]: missing key 'type'"),
        (
            {"abi": [{"name": "f", "inputs": [{"type": "tuple"}]}], "bytecode": CODE},
            "abi[0].inputs[0]: expected the com",
        ),
        ({"abi": [{"name": "f", "outputs": {}}], "bytecode": CODE}, "abi[0].outputs: expected a list"),
        (
            {"abi": [{"name": "f", "inputs": [{"type": "uint7"}]}], "bytecode": CODE},
            "abi[0].inputs[0].type: expected a ty",
        ),
        ({"abi": [{"name": "f", "inputs": [{"type": 5}]}], "bytecode": CODE}, "abi[0].inputs[0].type: expected a text"),
        ({"abi": [{"name": 5}], "bytecode": CODE}, "abi[0].name: expected a text, got 5"),
        ({"abi": [{"name": "f", "type": []}], "bytecode": CODE}, "abi[0].type: expected a text, got a list"),
        ({"abi": [{"type": "event", "name": "E", "inputs": 5}], "bytecode": CODE}, "abi[0].inputs: expected a list"),
        ({"abi": [{"name": "f"}] * 3000, "bytecode": CODE}, "expected at most 2000 entries, got 3000"),
        ({}, "got keys (none)"),
        ({"name": "x", "version": 1}, "got keys name, version"),
        ({"_format": "hh-sol-dbg-1", "buildInfo": "../a.json"}, "without `.dbg`"),
        ({"language": "Vyper", "sources": {}, "settings": {}}, "a compiler's input (standard JSON), not its output"),
        ({"compiler": {}, "output": {"abi": []}, "sources": {}}, "metadata, which has no bytecode"),
        ({"contractTypes": {}}, "no contract with an ABI in it"),
        ({"contract_address": "0x", "source_code": {}, "abi": []}, "titanoboa's record of a deployment"),
        (
            {"errors": [{"severity": "error", "message": "No way"}]},
            "compilation that failed, so there is no contract in",
        ),
        ({"abi": ABI, "bytecode": "0x"}, "interface or abstract"),
        ({"abi": ABI, "bytecode": {"object": ""}}, "interface or abstract"),
        ({"abi": ABI, "bytecode": "0x60zz"}, "no hex"),
        ({"abi": ABI, "bytecode": "0x600"}, "no hex"),
        ({"abi": ABI, "bytecode": "0x73__$1234567890abcdef1234567890abcdef12$__63"}, "library"),
        ({"abi": ABI, "bytecode": f"0xFE7100{CODE[2:]}"}, "a blueprint (EIP-5202)"),
        ({"abi": ABI, "bytecode": f"0x6100083d81600a3d39f3fe7100{CODE[2:]}"}, "a blueprint (EIP-5202)"),
        ({"transactions": [{"contractName": "Other"}], "receipts": []}, "Foundry's record of a broadcast"),
        ({"status": "1", "result": [{"SourceCode": "x", "ABI": "[]"}]}, "save its SourceCode as a .vy file"),
        ({"abi": ABI, "bytecode": 5}, "no creation bytecode"),
        (
            {
                "abi": ABI,
                "bytecode": {
                    "object": "0x73__$1234567890abcdef1234567890abcdef12$__63",
                    "linkReferences": {"src/Maths.sol": {"Maths": [{"start": 1, "length": 20}]}},
                },
            },
            "needs a library linked in (src/Maths.sol:Maths)",
        ),
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


def test_an_abi_is_made_whole() -> None:
    """What may be left out is filled in; what old compilers wrote in its place is understood; the rest stays."""
    given: list[dict[str, Any]] = [
        {"name": "f"},
        {"name": "g", "type": "function", "constant": True, "inputs": None, "outputs": [{"type": "uint256"}], "gas": 5},
        {
            "name": "h",
            "type": "function",
            "payable": True,
            "inputs": [{"type": "tuple", "components": [{"type": "bool"}]}],
        },
        {"name": "E", "type": "event", "inputs": [{"name": "x", "type": "bytes32"}]},
        {"type": "constructor"},
        {"type": "fallback"},
    ]
    free: dict[str, Any] = {"type": "function", "inputs": [], "outputs": []}
    assert whole_abi(given) == [
        {**free, "name": "f", "stateMutability": "nonpayable"},
        {**free, "name": "g", "stateMutability": "view", "constant": True, "gas": 5,
         "outputs": [{"name": "", "type": "uint256"}]},
        {**free, "name": "h", "stateMutability": "payable", "payable": True,
         "inputs": [{"name": "", "type": "tuple", "components": [{"name": "", "type": "bool"}]}]},
        {"name": "E", "type": "event", "anonymous": False,
         "inputs": [{"name": "x", "type": "bytes32", "indexed": False}]},
        {"type": "constructor", "inputs": []},
        {"type": "fallback"},
    ]  # fmt: skip
    assert whole_abi(ABI) == ABI
    Codec(whole_abi(given))
