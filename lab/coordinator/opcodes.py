"""What can be read from a contract's code without running it: whether it may hand control to another contract."""

from __future__ import annotations

from functools import lru_cache

PUSH1, PUSH32 = 0x60, 0x7F
# CALL, CALLCODE, DELEGATECALL. A STATICCALL cannot change state in its callee, so nothing can re-enter through it.
OUTWARD = frozenset({0xF1, 0xF2, 0xF4})


@lru_cache(maxsize=64)
def calls_out(code: str) -> bool:
    """True if runtime code (0x hex) holds a call to elsewhere.

    Data behind the code may look like one; never the other way round.
    """
    data = bytes.fromhex(code.removeprefix("0x"))
    position = 0
    while position < len(data):
        opcode = data[position]
        if opcode in OUTWARD:
            return True
        position += 1 + (opcode - PUSH1 + 1 if PUSH1 <= opcode <= PUSH32 else 0)
    return False
