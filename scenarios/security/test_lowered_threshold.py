"""The breaker's threshold is set below what it has counted: the next failure stops the contract, at the latest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.runner.script import Script

SETUP = """
name: A threshold below what is counted
description: >
  Two failures are counted under a threshold of ten, then the owner sets it to one. A breaker that compares the count
  with `equal` jumps over that threshold and never stops again; at the latest the next failure stops the contract. It
  may do so at once, begin to count anew, or refuse such a threshold: nothing is documented of that.
rows: [SEC-03]
networks: {polygon: {}}
needs: [breaker]
relayer: none
window: 5s
checks: [default, S10]
flows:
  lost:
    one:   {chain: polygon, at: +10s}
    two:   {chain: polygon, at: +10s}
    three: {chain: polygon, at: +10s}
"""

CHAIN = "polygon"
FLAGS = ("paused", "breaker_tripped")


def stopped(script: Script) -> bool:
    """By whichever flag the contract has for it."""
    return any(script.read(CHAIN, flag) for flag in FLAGS if script.has(flag))


def play(script: Script) -> None:
    """Where no getter tells of a stop, S10 alone judges, by the events."""
    if not script.needs(functions=["set_breaker_threshold"]):
        return
    legs = script.run.item.legs
    for leg in legs:
        script.expect_ok(script.buffer(leg.name))
    script.expect_ok(script.call(CHAIN, "set_breaker_threshold", 10, role="owner"))
    script.advance_to(20)
    for leg in legs[:2]:
        script.call(CHAIN, "resolve_dependency", leg.tx_id)
    lowered = script.call(CHAIN, "set_breaker_threshold", 1, role="owner")
    if lowered.outcome != "ok":
        script.note("threshold", f"a threshold below the count is refused: {lowered.actual}", CHAIN)
        return
    script.call(CHAIN, "resolve_dependency", legs[2].tx_id)
    if any(map(script.has, FLAGS)):
        what = "the contract to be stopped after a failure beyond its threshold"
        met = stopped(script)
        script.expect(what, "it is" if met else "it goes on", met=met)
    # Whatever is counted by then: who lifts the stop begins anew.
    if script.has("unpause"):
        script.call(CHAIN, "unpause", role="owner")


def test_lowered_threshold(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Lower it and judge what follows."""
    lab_run(SETUP, play)
