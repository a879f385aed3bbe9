"""calls_out: a call is an opcode, never the data of a push."""

from __future__ import annotations

import pytest

from lab.coordinator.opcodes import calls_out


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0x", False),
        ("0x6000f1", True),
        ("0x6000f2", True),
        ("0x6000f4", True),
        ("0x6000fa", False),
        ("0x60f1", False),
        ("0x5ff1", True),
        ("0x61f1f400", False),
        ("0x7f" + "f1" * 32, False),
        ("0x7f" + "f1" * 33, True),
        ("0x80f1", True),
        ("0x60", False),
    ],
)
def test_calls_out(code: str, expected: bool) -> None:
    """PUSH1 to PUSH32 carry 1 to 32 bytes of data; PUSH0 and everything else none."""
    assert calls_out(code) is expected
