"""The example applications, each a program of its own on the run's networks, in both languages where there are two."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from lab.chains.processes.python_child import python_command
from lab.paths import DOCS
from lab.runner.program import Ended, run_programs
from lab.runner.script import Script

SETUP = """
name: Example applications
description: >
  The examples of the documentation run as they are, on chains of the real clock and beside the reference relayer: a
  swap in Python and, where Node.js is, in JavaScript, which go through the same states; an escrow whose delivery never
  comes; a batch of settlements. The checks judge what they did.
rows: [UDO-03]
networks: {arbitrum: {}, base: {}}
clock: real
relayer: {poll: 500ms}
window: 10s
timeout: 3m
checks: [default]
"""

KEEPER_SETUP = """
name: A keeper beside the relayer
description: >
  A keeper resolves and executes what is due on one rollup, beside the relayer that does the same: whoever comes second
  is refused, and nothing happens twice.
rows: [UDO-03]
networks: {arbitrum: {}, base: {}}
clock: real
relayer: {poll: 4s}
window: 10s
timeout: 3m
checks: [default]
flows:
  house: {one: {chain: arbitrum, at: +5s}, two: {chain: arbitrum, at: +8s}}
"""

EXAMPLES = DOCS / "examples"
MODULES = DOCS / "sdk" / "javascript" / "node_modules"
WITHIN_S = 60.0


def python(name: str, *arguments: str) -> list[str]:
    """The command of an example in Python; the session comes by LAB_SESSION."""
    return python_command(str(EXAMPLES / name), *arguments)


def node() -> str | None:
    """Node.js, where it can run the JavaScript client."""
    return shutil.which("node") if (MODULES / "viem").is_dir() else None


def lines(ended: Ended) -> list[dict[str, Any]]:
    """What an example printed, a JSON object a line; nothing where it failed."""
    if ended.code != 0:
        return []
    return [json.loads(line) for line in ended.output.splitlines() if line.startswith("{")]


def run(script: Script, commands: dict[str, Sequence[str]]) -> dict[str, list[dict[str, Any]]]:
    """Run them side by side; each has to end by itself with exit code 0."""
    ended = dict(zip(commands, run_programs(script.run, list(commands.values()), WITHIN_S), strict=True))
    for name, one in ended.items():
        last = one.output.strip().splitlines()[-1:] or ["it printed nothing"]
        script.expect(f"{name} to end with exit code 0", f"{one.code}: {last[0][:200]}", met=one.code == 0)
    return {name: lines(one) for name, one in ended.items()}


def play(script: Script) -> None:
    """All of them at once, each under a role of its own."""
    if not script.needs("batch", "expiry"):
        return
    commands: dict[str, Sequence[str]] = {
        "swap.py": python("swap.py", "", "operator"),
        "escrow.py": python("escrow.py", "", "operator2"),
        "batch_settlement.py": python("batch_settlement.py", "", "owner"),
    }
    said = run(script, commands)
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


def play_both(script: Script) -> None:
    """The swap in both languages, side by side."""
    commands: dict[str, Sequence[str]] = {
        "swap.py": python("swap.py", "", "operator"),
        "swap.mjs": [node() or "node", str(EXAMPLES / "swap.mjs"), "", "operator2"],
    }
    said = run(script, commands)
    script.expect("both languages to go through states", str(said["swap.py"]), met=bool(said["swap.py"]))
    script.expect_equal("the states in JavaScript", said["swap.mjs"], said["swap.py"])


def play_keeper(script: Script) -> None:
    """The legs are executed, and the keeper did some of it."""
    if not script.needs("batch"):
        return
    for leg in ("house.one", "house.two"):
        script.expect_ok(script.buffer(leg))
    said = run(script, {"keeper.py": python("keeper.py", "", "operator2", "16")})
    done = [line for line in said["keeper.py"] if "executed" in line or line.get("ready") or "reverted" in line]
    script.expect("the keeper to act on the legs", f"{len(done)} actions", met=bool(done))
    for leg in ("house.one", "house.two"):
        spec = script.run.item.leg(leg)
        script.expect_equal(f"{leg}", script.reader(spec.chain).state(spec.tx_id), "EXECUTED")


def test_examples(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run them."""
    lab_run(SETUP, play)


def test_keeper(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run it beside the relayer."""
    lab_run(KEEPER_SETUP, play_keeper)


def test_both_languages(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run the same swap twice."""
    if node() is None:
        pytest.skip("no JavaScript SDK: it needs Node.js 20, and `npm ci` in docs/sdk/javascript")
    lab_run(SETUP.replace("Example applications", "The SDK in two languages").replace("UDO-03", "UDO-02"), play_both)
