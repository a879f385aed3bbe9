"""Calls that the node kept from executing a block, as its tracer would tell them."""

from __future__ import annotations

from typing import Any

from lab.chains.kept_calls import kept_calls


def entry(tx: str, place: list[int], **changed: Any) -> dict[str, Any]:
    """One line of `trace_block`."""
    action = {"callType": "call", "from": f"0xf{len(place)}", "to": f"0xa{len(place)}", "input": "0x01"}
    return {"transactionHash": tx, "traceAddress": place, "type": "call", "action": action, **changed}


def test_inner_calls_stand_below_the_one_that_made_them() -> None:
    """By their addresses, in the order of the calls."""
    delegated = entry("0x1", [1, 0])
    delegated["action"]["callType"] = "delegatecall"
    tree = kept_calls([entry("0x1", []), entry("0x1", [0]), entry("0x1", [1]), delegated, entry("0x2", [])])
    assert set(tree) == {"0x1", "0x2"}
    assert [len(frame["calls"]) for frame in tree["0x1"]["calls"]] == [0, 1]
    assert tree["0x1"]["calls"][1]["calls"][0]["type"] == "DELEGATECALL"
    assert tree["0x2"] == {"type": "CALL", "from": "0xf0", "to": "0xa0", "input": "0x01", "calls": []}


def test_what_failed_is_left_to_the_tracer() -> None:
    """Whole or within: the reason is not among what the node kept."""
    assert kept_calls([entry("0x1", [], error="Reverted")]) == {}
    assert kept_calls([entry("0x1", []), entry("0x1", [0], error="Reverted")]) == {}


def test_other_shapes_are_left_out() -> None:
    """A node may answer what it likes."""
    shapes: tuple[Any, ...] = (None, {}, "no", [None, 5], [{"transactionHash": "0x1", "traceAddress": 5, "action": {}}])
    for given in shapes:
        assert kept_calls(given) == {}
    assert kept_calls([entry("0x1", [0])]) == {}
