"""The example applications, each a program of its own on the run's networks, in both languages where there are two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lab.documents.examples import python_example, run_examples
from lab.runner.script import Script

SETUP = """
name: Example applications
description: >
  The examples of the documentation run as they are, on chains of the real clock and beside the reference relayer: a
  swap; an escrow whose delivery never
  comes; a batch of settlements. The checks judge what they did.
rows: [UDO-03, MPR-03]
networks: {arbitrum: {}, base: {}}
clock: real
relayer: {poll: 500ms}
window: 10s
timeout: 3m
checks: [default]
"""

KEEPER_SETUP = """
name: A keeper in the place of a relayer that hangs
description: >
  A keeper resolves and executes what is due on one rollup while the relayer hangs. The relayer comes back to find it
  done, and nothing happens twice.
rows: [UDO-03, MPR-03]
networks: {base: {}, arbitrum: {}}
clock: real
relayer: {poll: 4s}
window: 30s
timeout: 3m
checks: [default]
flows:
  house: {one: {chain: base, at: +5s}, two: {chain: base, at: +8s}}
"""


def play(script: Script) -> None:
    """All of them at once, each under a role of its own."""
    if not script.needs("batch", "expiry"):
        return
    commands: dict[str, Sequence[str]] = {
        "swap.py": python_example("swap.py", "", "operator"),
        "escrow.py": python_example("escrow.py", "", "operator2"),
        "batch_settlement.py": python_example("batch_settlement.py", "", "owner"),
    }
    said = run_examples(script, commands)
    want = [
        {"step": "begin", "pay": "EMPTY", "settle": "EMPTY"},
        {"step": "end", "pay": "EXECUTED", "settle": "EXECUTED"},
    ]
    script.expect_equal("the swap's states", said["swap.py"], want)
    script.expect_equal(
        "the escrow",
        said["escrow.py"],
        [
            {"step": "early", "ready": False, "reason": "Dependencies not satisfied"},
            {"step": "end", "release": "EXPIRED", "outcome": "refunded: Transaction expired"},
        ],
    )
    script.expect_equal(
        "the settlements",
        said["batch_settlement.py"],
        [{"step": "buffered", "cheaper": True}, {"step": "end", "settled": 8}],
    )


def play_keeper(script: Script) -> None:
    """The legs are executed by the keeper, and by nobody else."""
    if not script.needs("batch"):
        return
    for leg in ("house.one", "house.two"):
        script.expect_ok(script.buffer(leg))
    script.inject("hangs", "relayer_pause")
    said = run_examples(script, {"keeper.py": python_example("keeper.py", "", "operator2", "24")})
    script.heal("hangs")
    done = [line for line in said["keeper.py"] if "executed" in line or line.get("ready") or "reverted" in line]
    script.expect("the keeper to act on the legs", f"{len(done)} actions", met=bool(done))
    for leg in ("house.one", "house.two"):
        spec = script.run.item.leg(leg)
        script.expect_equal(f"{leg}", script.reader(spec.chain).state(spec.tx_id), "EXECUTED")


def test_examples(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run them."""
    lab_run(SETUP, play)


def test_keeper(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run it while the relayer hangs."""
    lab_run(KEEPER_SETUP, play_keeper)
