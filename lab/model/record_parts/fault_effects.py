"""What a fault does to whom: recorded where it is injected, read by whoever judges."""

from __future__ import annotations

from lab.model.frozen import Frozen


class FaultEffects(Frozen):
    """What a fault does to whom while it lasts. Checks match this, never a fault's name.

    `chains`: whose service it disturbs; empty: it is a fault of the relayer, and concerns all. `recorded_elsewhere`:
    other records of the history show when it acted (a reorg's own line, the relayer's marks). `takes_chain_down`:
    nobody can use the chain. `hangs_requests`: what was asked just before its end still waits until the client's
    patience ends. `slows_all_chains`: a relayer that asks one chain after the other is slow for all of them.
    `holds_finality`: finality by a tag stands still. `prices_out`: nodes keep what they were sent, or refuse it for its
    price, so that sending the same again is of no use. `outlasts_ms`: how long after its end it still disturbs.
    """

    chains: tuple[str, ...] = ()
    recorded_elsewhere: bool = False
    takes_chain_down: bool = False
    hangs_requests: bool = False
    slows_all_chains: bool = False
    holds_finality: bool = False
    prices_out: bool = False
    outlasts_ms: int = 0
