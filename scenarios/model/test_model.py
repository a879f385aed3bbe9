"""Sequences of calls, drawn by kind, beside the documented rules: the first that differs is shown at its shortest.

Kinds are dependencies in a family and at every moment, accounts that come and go or are named, windows and deadlines
that change, a stop in every state, ids and numbers that differ in little or lie at the ends of bytes, payloads, lives,
endings, batches, blocks of other numbers, random walks, every network's chain id, a breaker whose stop was lifted, gas
that grows, and what comes after many operations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.runner.model_based.delay import declared_delay, ready_too_soon
from lab.runner.model_based.player import Player
from lab.runner.model_based.search import KINDS, search, seeds_of
from lab.runner.script import Script

SETUP = """
name: Sequences of every kind beside the documented rules
description: >
  A child with parent, grandparent, siblings and itself in every state; operators removed and added again, the owner
  among them; windows that change between buffering, resolution and execution; a stop in every state; ids that differ in
  one byte or one bit, or in a byte that is zero; timestamps around every power of two, and where bytes of the time
  turn over; payloads of every class of length; expiry and failure of one id as of another; up to 1,000 operations
  before, or one thing time and again. A delay that lab.yaml declares is kept to the block and to the second. The same
  where it is deployed with any network's chain id; a lifted stop leaves no failures behind; the gas of a call does not
  grow with what was done before it.
  Whatever the documentation leaves open, the contract may decide. Simulated on the node; nothing is mined.
rows: [SEC-02, SEC-05]
networks: {base: {}}
relayer: none
window: 30s
checks: [default]
"""

CHAIN = "base"
CAUSES_MAX = 3


def play(script: Script) -> None:
    """One expectation for each kind; a deviation that another kind has shown already is not shown again."""
    target, reader = script.run.lab.spec.target, script.reader(CHAIN)
    player = Player(reader.rpc, target, script.run.lab.numbering())
    trouble = player.learn()
    script.expect("a transaction to become READY", trouble or "it does", met=trouble is None)
    if trouble is None and (delay := declared_delay(player)):
        early = ready_too_soon(player)
        because = f"lab.yaml declares a delay of {delay} between buffering and resolve"
        script.expect("the declared delay to be kept", early or "it is", met=early is None, because=because)
    shown: set[tuple[str, str]] = set()
    for kind in KINDS if trouble is None else ():
        before, compared = player.calls, player.compared
        finding = search(player, kind, seeds_of(kind), known=shown)
        for chain_id in player.unusable if kind == "chains" else ():
            script.note("sequence", f"{kind}: the contract is of no use with chain id {chain_id}")
        if player.compared == compared:
            script.note("sequence", f"{kind}: the contract lacks what it is about")
            continue
        if finding is None:
            script.expect(f"{kind} as documented", f"{player.calls - before} calls agree", met=True)
            continue
        shown |= finding.deviation.explains
        head, *calls = finding.lines()
        for line in calls:
            script.note("sequence", line)
        script.expect(f"{kind} as documented", head, met=False, because=finding.rule, about=finding.about)
        if len(shown) >= CAUSES_MAX:
            break


def test_model(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Draw, play and compare."""
    lab_run(SETUP, play)
