"""Values for the calls by which somebody might change whom a proxy hands on to."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_abi.grammar import parse

from lab.runner.proxies import SOME_DATA, _value

ADDRESS = "0x" + "ab" * 20


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("address", ADDRESS),
        ("address[]", (ADDRESS,)),
        ("address[2]", (ADDRESS, ADDRESS)),
        ("(address,bytes)", (ADDRESS, SOME_DATA)),
        ("(uint8,(address,bool)[2])[]", ((0, ((ADDRESS, True), (ADDRESS, True))),)),
        ("bytes4", bytes(4)),
        ("bytes", SOME_DATA),
        ("string", ""),
        ("bool", True),
        ("int128", 0),
    ],
)
def test_every_type_has_a_value(kind: str, expected: Any) -> None:
    """The address wherever there may be one, in tuples and lists, too."""
    value = _value(parse(kind), ADDRESS)
    assert decode([kind], encode([kind], [value])) == (expected,)
