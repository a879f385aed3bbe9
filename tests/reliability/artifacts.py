"""Artifacts that are hostile: bytes and interfaces which a compiler would not write, or nobody would deploy."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from typing import Any

from lab.paths import CONTRACTS
from tests.compiling import compile_once

Entry = dict[str, Any]
Artifact = dict[str, Any]
# What a terminal must not be sent.
HOSTILE = "\x1b[2J\x1b]0;owned\x07\u202egnp"
# Of the reference's simplest sibling: 0 for what needs more than the documented functions.
PLAIN = CONTRACTS / "plain" / "PlainCoordinator.vy"


@cache
def _sound() -> tuple[list[Entry], str]:
    compiled = compile_once(PLAIN)
    return compiled.abi, compiled.bytecode.removeprefix("0x")


def _deploying(runtime: str) -> str:
    """Creation code that leaves this code."""
    size = len(runtime) // 2
    return f"61{size:04x}80600a3d393df3" + runtime


def _storing(code: str) -> Callable[[], Artifact]:
    """The sound interface over other creation code."""
    return lambda: {"contractName": "Mine", "abi": _sound()[0], "bytecode": f"0x{code}"}


def _running(runtime: str) -> Callable[[], Artifact]:
    """The sound interface over other code."""
    return _storing(_deploying(runtime))


def _described(change: Callable[[list[Entry]], Any]) -> Callable[[], Artifact]:
    """The sound code under another interface."""

    def made() -> Artifact:
        abi, code = _sound()
        changed = copy.deepcopy(abi)
        return {"contractName": "Mine", "abi": change(changed), "bytecode": f"0x{code}"}

    return made


def _buffering(change: Callable[[Entry], Any]) -> Callable[[], Artifact]:
    """The same where one function is told otherwise."""

    def told(abi: list[Entry]) -> list[Entry]:
        change(next(entry for entry in abi if entry.get("name") == "buffer_transaction"))
        return abi

    return _described(told)


def _typed(word: str) -> Callable[[], Artifact]:
    return _buffering(lambda entry: entry["inputs"][0].__setitem__("type", word))


def _cut() -> Artifact:
    abi, code = _sound()
    return {"contractName": "Mine", "abi": abi, "bytecode": "0x" + code[: len(code) // 2 // 2 * 2]}


def _reverting(reason: str) -> str:
    """Code that reverts with this text of up to 32 bytes, as `Error(string)`."""
    text = reason.encode()
    words = "08c379a0" + f"{32:064x}" + f"{len(text):064x}" + text.hex().ljust(64, "0")
    parts = [words[at : at + 64].ljust(64, "0") for at in range(0, len(words), 64)]
    stores = "".join(f"7f{part}60{32 * number:02x}52" for number, part in enumerate(parts))
    return f"{stores}60{len(words) // 2:02x}6000fd"


def _shouting() -> Artifact:
    return _running(_reverting(HOSTILE))() | {"contractName": HOSTILE}


# Returns one word, or reverts with one: PUSH, MSTORE at 0, then so many bytes of memory.
_ONE, _ALL = "6001600052", "60001960005260206000f3"
ARTIFACTS: dict[str, Callable[[], Artifact]] = {
    "no code": _storing("00"),
    "gone in its constructor": _storing("33ff"),
    "a constructor that never ends": _storing("5b600056"),
    "a constructor that reverts": _storing("60006000fd"),
    "a constructor of no known operation": _storing("fe"),
    "a constructor that wants all memory": _storing("6001630fffffff52"),
    "code that begins as none may": _running("ef0001"),
    "code above the limit": _storing("6160018060093d393df3" + "00" * 24_577),
    "creation code above the limit": _storing("5b" * 60_000 + "00"),
    "code that accepts everything": _running("00"),
    "code that says one": _running(_ONE + "60206000f3"),
    "code that says all ones": _running(_ALL),
    "code that says a megabyte": _running("620fffff6000f3"),
    "code that reverts with a megabyte": _running("620fffff6000fd"),
    "code that reverts with nothing": _running("60006000fd"),
    "code that is gone after a call": _running("33ff"),
    "code that never ends": _running("5b600056"),
    "code that calls itself": _running("60006000600060006000305af1"),
    "code that runs itself in its place": _running("6000600060006000305af4"),
    "code that logs without end": _running("5b620100006000a0600056"),
    "code that depends on the moment": _running("426001166000526020600042600116600957f35bfd"),
    "code that writes what it is asked": _running("60003560003555" + _ONE + "60206000f3"),
    "a reason for a terminal": _shouting,
    "code that was cut": _cut,
    "an odd number of digits": _storing("600"),
    "no digits": _storing("zz"),
    "a library that is not linked": _storing("73__$0123456789abcdef0123456789abcdef01$__"),
    "no interface": _described(lambda abi: []),
    "an interface that is no list": _described(lambda abi: 5),
    "an interface of texts": _described(lambda abi: ["function a()"]),
    "an interface without buffering": _described(lambda abi: [e for e in abi if e.get("name") != "buffer_transaction"]),
    "a tuple of nothing": _buffering(lambda entry: entry["inputs"][0].update(type="tuple")),
    "tuples nested deep": _buffering(lambda entry: entry.__setitem__("inputs", _nested(300))),
    "lists nested deep": _typed("uint256" + "[]" * 5_000),
    "a list of all": _typed("uint256[99999999999999]"),
    "a number of seven bits": _typed("uint7"),
    "a word of 33 bytes": _typed("bytes33"),
    "a type for a terminal": _typed(HOSTILE),
    "inputs that are a number": _buffering(lambda entry: entry.__setitem__("inputs", 5)),
    "a function without a name": _buffering(lambda entry: entry.pop("name")),
    "a compiler for a terminal": lambda: _running("60006000fd")() | {"compiler": {"version": HOSTILE}},
    "a source for a terminal": lambda: _running("60006000fd")() | {"sourceName": HOSTILE},
    "a function for a terminal": lambda: _running(_reverting(HOSTILE))() | {"abi": _shown(HOSTILE)},
    "a reason that is long": _running("6308c379a0600052" + "610fff601cfd"),
}


def _nested(depth: int) -> list[Entry]:
    inner: Entry = {"name": "a", "type": "uint256"}
    for _ in range(depth):
        inner = {"name": "a", "type": "tuple", "components": [inner]}
    return [inner]


def _shown(name: str) -> list[Entry]:
    """Every function, event and error under a name that begins with this one."""
    return [entry | {"name": f"{name}{entry['name']}"} if "name" in entry else entry for entry in _sound()[0]]
