"""Structured mutants: files that are nearly right, and values that nobody expects on a command line."""

from __future__ import annotations

import copy
import json
import os
import random
from collections.abc import Callable, Iterator
from typing import Any

FACTOR = float(os.environ.get("LAB_TORTURE", "1"))
SEED = int(os.environ.get("LAB_SEED", "20261126"))

# What stands in the place of a value.
STRANGE: list[Any] = [
    None, True, False, 0, -1, 1, 2**63, 2**256, -(10**79), 0.5, 1e308, "", " ", "0x", "0x0", "0xzz", "-", "é", "\u202e",
    "\x1b[31m", "a\x00b", "PASS", "FAIL", "../../etc/passwd", "~nobody/x", "/dev/zero", "http://[::1", "9999-12-31",
    "0001-01-01", "99999999999h", "{{7*7}}", "<script>", "a" * 5_000, [], {}, [[]], [{}], {"a": {"a": {}}}, [None] * 50,
    ["x", 1, {}],
]  # fmt: skip
NESTED = ["[" * 3_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 50_000]
OPTIONS = [
    "~nobody/x", "", " ", "0", "-1", "nan", "inf", "-inf", "1e-300", "1e308", "1e999", "9" * 30, "0x10",
    "/nonexistent/x/y", "/dev/zero", "/dev/null/x", "..", "a" * 5_000, "é", "a\x00b", "\x1b[31mred", "{}", "%s", "a=b",
    "=", "../../../zz=base", "é=base", "http://127.0.0.1:abc", "base=http://127.0.0.1:99999", "base=http://[::1",
    "2026-13-45", "9999-12-31", "0001-01-01", "99999999999h", "-", "--", "\u202e",
]  # fmt: skip


def count(default: int) -> int:
    """How many mutants of a kind are tried: `default` in the usual run, LAB_TORTURE times as many in a long one."""
    return max(1, round(default * FACTOR))


def documents(base: Any, number: int, kind: str) -> Iterator[tuple[str, Any]]:
    """`number` changed copies of a document, each with the words that name it."""
    for index in range(number):
        name = f"{kind} seed {SEED} mutant {index}"
        chance = random.Random(f"{SEED}/{kind}/{index}")
        value = copy.deepcopy(base)
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            value = _changed(value, chance)
        yield name, value


def contents(base: bytes, number: int, kind: str) -> Iterator[tuple[str, bytes]]:
    """The same for bytes, of whatever format."""
    for index in range(number):
        name = f"{kind} seed {SEED} bytes {index}"
        chance = random.Random(f"{SEED}/{kind}/bytes/{index}")
        data = bytearray(base)
        for _ in range(chance.choice([1, 1, 2, 5])):
            _change_bytes(data, chance)
        yield name, bytes(data)


def _paths(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _paths(below, (*here, key))
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from _paths(below, (*here, index))


def _changed(value: Any, chance: random.Random) -> Any:
    path = chance.choice(list(_paths(value)))
    if not path:
        return chance.choice(STRANGE) if chance.random() < 0.1 else value
    parent = value
    for part in path[:-1]:
        parent = parent[part]
    last = path[-1]
    action: Callable[[], None] = chance.choice(
        [
            lambda: parent.__setitem__(last, copy.deepcopy(chance.choice(STRANGE))),
            lambda: parent.__setitem__(last, copy.deepcopy(chance.choice(STRANGE))),
            lambda: parent.__setitem__(last, [parent[last]]),
            lambda: parent.__setitem__(last, {"x": parent[last]}),
            lambda: parent.__setitem__(last, str(parent[last])),
            lambda: _drop(parent, last),
            lambda: _double(parent, last, chance),
        ]
    )
    action()
    return value


def _drop(parent: Any, last: Any) -> None:
    del parent[last]


def _double(parent: Any, last: Any, chance: random.Random) -> None:
    if isinstance(parent, list):
        parent.insert(last, copy.deepcopy(parent[last]))
    else:
        parent[chance.choice(["x", "", str(last) + "s", "é", "a b"])] = parent.pop(last)


def _change_bytes(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    action = chance.randrange(6)
    if action == 0 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif action == 1:
        del data[at:]
    elif action == 2:
        data[at:at] = chance.choice(
            [b"\x00", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b"\t", b"{", b"]", b"'", b"&a *a"]
        )
    elif action == 3:
        data[at:at] = chance.choice(NESTED).encode() if chance.random() < 0.1 else b"[" * 60
    elif action == 4:
        del data[at : at + chance.randrange(1, 40)]
    else:
        other = chance.randrange(len(data) + 1)
        data[at:at] = data[other : other + chance.randrange(1, 60)]


def as_json(value: Any) -> bytes:
    """The document as a file holds it."""
    return json.dumps(value).encode()


def commands(command: Any, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*names, name))
    if not hasattr(command, "commands"):
        yield names, command
