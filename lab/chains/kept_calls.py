"""The calls of a block as the node kept them from executing it (`trace_block`), in the form of its call tracer."""

from __future__ import annotations

from typing import Any


def kept_calls(given: Any) -> dict[str, dict[str, Any]]:
    """Transaction hash -> outermost call, with those inside of it under `calls`; none of what failed, or failed within.

    Whatever has another shape than expected is left out, too: it is then traced for itself.
    """
    frames: dict[str, dict[tuple[int, ...], dict[str, Any]]] = {}
    unfit: set[str] = set()
    for entry in given if isinstance(given, list) else ():
        try:
            tx_hash, place, action = entry["transactionHash"], tuple(entry["traceAddress"]), entry["action"]
            frame = {"type": action.get("callType", entry["type"]).upper(), "from": action["from"], "calls": []}
            frame |= {key: action[key] for key in ("to", "input") if key in action}
        except (KeyError, TypeError, AttributeError):
            continue
        if "error" in entry:
            unfit.add(tx_hash)
        of_transaction = frames.setdefault(tx_hash, {})
        of_transaction[place] = frame
        if place:
            parent = of_transaction.get(place[:-1])
            if parent is None:
                unfit.add(tx_hash)
            else:
                parent["calls"].append(frame)
    return {tx_hash: tree[()] for tx_hash, tree in frames.items() if tx_hash not in unfit and () in tree}
