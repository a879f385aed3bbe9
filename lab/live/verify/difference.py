"""Where two codes differ, and what that is likely to mean."""

from __future__ import annotations

from dataclasses import dataclass

SHOWN_BYTES = 8
WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Difference:
    """The first byte that differs, counted from 0, and a likely cause."""

    offset: int
    expected: str
    got: str
    cause: str

    def __str__(self) -> str:
        return f"the first differing byte is {self.offset}: expected {self.expected}, got {self.got}: {self.cause}"


def first_difference(expected: str, got: str, immutables: int | None = 0) -> Difference | None:
    """Of two codes as 0x hex; None where they are equal but for so many bytes of immutables behind.

    `immutables` None: how many is not known; whole words are taken for them.
    """
    wanted, there = _bytes(expected), _bytes(got)
    more = len(there) - len(wanted)
    fits = more >= 0 and more % WORD_BYTES == 0 if immutables is None else more == immutables
    if fits and there.startswith(wanted):
        return None
    shorter = min(len(wanted), len(there))
    offset = next((place for place in range(shorter) if wanted[place] != there[place]), shorter)
    return Difference(offset, _shown(wanted, offset), _shown(there, offset), _cause(wanted, there, offset))


def _cause(expected: bytes, there: bytes, offset: int) -> str:
    if not there:
        return "there is no code: wrong address or network, or not deployed yet"
    if offset == len(expected) < len(there):
        return f"{len(there) - len(expected)} more bytes follow: arguments of a constructor, or immutables"
    if offset == len(there) < len(expected):
        return "the code on the chain ends earlier: another contract, or cut off"
    differing = sum(a != b for a, b in zip(expected, there, strict=False)) + abs(len(expected) - len(there))
    tail = max(len(expected), len(there)) - offset
    if len(expected) == len(there) and tail <= 120:
        return (
            "only the end differs: the compiler's metadata (version, integrity of the sources), so another source file"
        )
    if len(expected) == len(there) and differing <= 32:
        return f"{differing} bytes differ: a constant or one operation was changed in the source"
    if len(expected) != len(there):
        return "the length differs as well: other compiler, other optimisation or EVM version, or other source"
    return f"{differing} bytes differ: other compiler settings or another source"


def _bytes(code: str) -> bytes:
    return bytes.fromhex(code.removeprefix("0x"))


def _shown(code: bytes, offset: int) -> str:
    part = code[offset : offset + SHOWN_BYTES]
    return f"0x{part.hex()}" if part else "nothing"
