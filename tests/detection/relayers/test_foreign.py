"""Relayers outside the lab, under the real clock: each mistake is caught by a named check, whose message names it.

All runs of this file go on at once, in threads: what they cost is waiting, and the start of each relayer. By default
those are played that show what no relayer made of the reference's parts does; `LAB_FOREIGN=all` plays every one. The
whole library for a correct relayer, which takes hours, is
`pytest scenarios --relayer-cmd "python tests/detection/relayers/foreign/relayer.py STYLE"`.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.coordinator import rollup_address
from lab.model.verdict import Verdict
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.relayer.command import RelayerCommand, parse_command
from lab.session.relayer.declared import DeclaredRelayer
from tests.busy import too_busy

from ..conftest import ROOT, compiled

pytestmark = [pytest.mark.real_clock, pytest.mark.reliability]

FOREIGN = Path(__file__).parent / "foreign"
TARGET = compiled(Path("TesseractCoordinator.vy"))
HEAD = """
name: Two chains with a block every two seconds
description: A relayer from outside.
networks:
  one: {profile: optimism, finality: {blocks: 8}}
  two: {profile: optimism, finality: {blocks: 1}}
timeout: 240s
window: 60s
relayer: {poll: 1s}
flows:
  swap:
    pay:    {chain: one, at: +20s}
    settle: {chain: two, at: +21s, after: pay}
timeline:
  - buffer: swap
"""
ALONE = HEAD.replace("    settle: {chain: two, at: +21s, after: pay}\n", "").replace(
    "  two: {profile: optimism, finality: {blocks: 1}}\n", ""
)
SWAP = HEAD + "  - {expect: {leg: swap.settle, state: EXECUTED}, within: 90s}\n"
BEHIND = ALONE + "  - {at: 8s, fault: timestamp_skew, chain: one, seconds: -30, for: 22s}\n  - wait: 24s\n"
REFUSED = (
    ALONE.replace("at: +20s}\n", "at: +20s}\n    also:   {chain: one, at: +32s}\n")
    + "  - {at: 16s, fault: rpc_error, chain: one, methods: [eth_sendRawTransaction], for: 12s}\n  - wait: 14s\n"
)
ORPHANED = (
    HEAD
    + """
  - {expect: {leg: swap.pay, state: EXECUTED}, within: 60s}
  - {fault: reorg, chain: one, depth: 7, orphans: dropped}
"""
)
RESTARTED = (
    ALONE
    + """
  - {expect: {leg: swap.pay, state: EXECUTED}, within: 60s}
  - wait: 16s
  - {fault: relayer_kill, restart_after: 1s}
  - wait: 25s
"""
)
# What is READY is taken for BUFFERED, and given up when its window is over.
GIVEN_UP = HEAD.replace("window: 60s", "window: 30s") + "  - wait: 90s\n"
WHOLE = SWAP.replace("pay:    {chain: one, at: +20s}", "pay:    {chain: one, at: +20s, payload: 64B}")
# Nobody buffers the parent on its own chain; its forged mirror is due (DUE) shortly before the child.
FORGED = (
    HEAD.replace("buffer: swap", "buffer: swap.settle").replace("at: +21s", "at: +110s")
    + f"""
  - at: 2s
    as: operator2
    call:
      chain: two
      function: buffer_transaction
      args: [swap.pay, "{rollup_address("one")}", "{rollup_address("two")}", "0x5a", "0x{"00" * 32}", DUE]
  - wait: 150s
"""
)
TOGETHER = ALONE.replace("at: +20s}\n", "at: +20s}\n    also:   {chain: one, at: +20s}\n") + "  - wait: 60s\n"
UNANSWERED = TOGETHER.replace("  - wait", "  - {at: 12s, fault: lost_reply, chain: one, count: 1}\n  - wait")
# Another operator makes the parent READY and leaves it there, while the relayer is none.
ORDERED = (
    HEAD.replace("poll: 1s", "poll: 1s, execution_order: executed")
    + """
  - {at: 10s, admin: {chain: one, action: remove_operator, value: relayer}}
  - {at: 22s, resolve: swap.pay, as: operator2}
  - wait: 40s
"""
)
ENDLESS = HEAD.replace("buffer: swap", "buffer: swap.settle").replace("window: 60s", "window: 30s") + "  - wait: 80s\n"
DROPPED = ALONE + "  - {at: 20s, fault: pool_drop, chain: one, every: 300ms, for: 20s}\n  - wait: 60s\n"
FAILING = ALONE + "  - {at: 8s, fault: rpc_error, chain: one, for: 5s}\n  - wait: 6s\n"
# The node that dies takes its filters along; a transaction comes when it is back.
RENEWED = ALONE.replace("+20s", "+45s").replace(
    "  - buffer: swap\n",
    "  - {at: 6s, fault: node_kill, chain: one, restart_after: 4s}\n  - {at: 20s, buffer: swap}\n  - wait: 60s\n",
)
LIMITED = ALONE + "  - {at: 12s, fault: rpc_error, chain: one, http_status: 429, for: 12s}\n  - wait: 25s\n"
# One transaction is over, then twelve more; at rest behind each of them for three periods of requests.
AT_REST = """
name: What is over
description: A relayer from outside.
networks: {one: {profile: base, finality: {blocks: 1}}}
timeout: 240s
window: 60s
relayer: {poll: 1s}
flows:
  few: {first: {chain: one, at: +6s}}
  many: {MANY}
timeline:
  - buffer: few
  - {at: 60s, buffer: many}
  - {at: 80s, expect: {leg: many.leg12, state: EXECUTED}, within: 60s}
  - wait: 45s
""".replace("MANY", ", ".join(f"leg{number}: {{chain: one, at: +70s}}" for number in range(1, 13)))
# What is due on the second chain, which is in time, while the first is far ahead.
AHEAD = (
    HEAD.replace("    settle: {chain: two, at: +21s, after: pay}\n", "  other:\n    settle: {chain: two, at: +50s}\n")
    + "  - buffer: other\n  - {at: 24s, fault: timestamp_skew, chain: one, seconds: 60, for: 40s}\n  - wait: 50s\n"
)
STUCK = ALONE + "  - {at: 17s, fault: halt, chain: one, for: 20s}\n  - wait: 22s\n"


# The payment is due when the settlement would be late, were it not for the owner.
LONGER = (
    HEAD.replace("window: 60s", "window: 30s").replace("at: +20s}", "at: +60s}")
    + "  - {at: 5s, admin: {chain: two, action: set_window, value: 150s}}\n"
    + "  - {expect: {leg: swap.settle, state: EXECUTED}, within: 120s}\n"
)
BESIDE = ALONE.replace("at: +20s}\n", "at: +20s}\n    also:   {chain: one, at: +21s, after: pay}\n") + "  - wait: 70s\n"
# A block every two seconds, and something in each of them.
BUFFERED = range(4, 25, 2)
AMID = ALONE.replace(
    "    pay:    {chain: one, at: +20s}\n",
    "".join(f"    leg{second}: {{chain: one, at: +50s}}\n" for second in BUFFERED),
).replace(
    "  - buffer: swap\n",
    "".join(
        f"  - {{at: {second}s, buffer: swap.leg{second}}}\n"
        + ("  - {at: 13s, fault: relayer_kill, restart_after: 2s}\n" if second == 12 else "")
        for second in BUFFERED
    )
    + "  - wait: 60s\n",
)


class Case(NamedTuple):
    """A relayer, the smallest scenario that shows its mistake, the check that must name it, words of its finding.

    `requests_per_minute` is what the relayer declares.
    """

    relayer: str
    scenario: str
    named: str
    words: str
    requests_per_minute: int | None = None


# A promise that nobody breaks in a minute: what grows would break it some day.
PROMISED = 20_000
CASES = [
    Case("NoConfirmations", SWAP, "S2", "to become READY only on a final parent"),
    Case("IgnoresReorgs", ORPHANED, "S2", "is not READY on the canonical"),
    Case("NoRetry", REFUSED, "L1", "and none followed"),
    Case("NonceLost", REFUSED, "L3", "to be mined on one by the end"),
    Case("RepeatsAfterRestart", RESTARTED, "L6", "work is repeated"),
    Case("ExecutesMirrors", SWAP, "S5", "never to execute a mirror"),
    Case("TrustsStatus", BEHIND, "L1", "with status 1 and TransactionFailed"),
    Case("BlindToOneChain", SWAP, "L1", "the relayer sent nothing at all on two"),
    Case("WrongOrderOfLogs", GIVEN_UP, "L6", "an old state is taken for the newest"),
    Case("UnboundedFees", STUCK, "L6", "fees without a bound"),
    Case("BelievesForgeries", FORGED, "S2", "its parent is not READY on the canonical"),
    Case("CutsPayloads", WHOLE, "S7", "to hold the payload given"),
    Case("ExchangesRollups", WHOLE, "S7", "to go from one to two"),
    Case("MirrorsAnotherId", SWAP, "S2", "has no transaction of that id"),
    Case("MirrorsLate", SWAP, "L1", "the mirror of swap.pay, buffered at"),
    Case("OneLogOfABlock", TOGETHER, "L1", "the relayer sent no resolve_dependency for it"),
    Case("ReusesNonces", UNANSWERED, "L6", "nonce too low"),
    Case("IgnoresOrder", ORDERED, "S3", "to be EXECUTED only after its parent swap.pay was EXECUTED"),
    Case("AsksTooEarly", ALONE.replace("+20s", "+90s"), "L6", "attempts, each with a nonce of its own"),
    Case("NeverExpires", ENDLESS, "L2", "to be READY, EXECUTED, or EXPIRED by"),
    Case("LosesDropped", DROPPED, "L3", "to be mined on one by the end"),
    Case("GivesUpAChain", FAILING, "L1", "the relayer sent no"),
    Case("IgnoresRemoved", ORPHANED, "S2", "is not READY on the canonical"),
    Case("GoesDeaf", RENEWED, "L1", "the relayer sent nothing at all on one"),
    Case("Hammers", LIMITED, "L7", "requests are repeated without backing off"),
    Case("AsksForOld", AT_REST, "L7", "requests at rest not to grow", PROMISED),
    Case("OneClock", AHEAD, "L1", "TransactionFailed (Dependencies not satisfied), and none followed"),
    Case("NeverExecutes", SWAP, "L2", "to be EXECUTED by the end ("),
    Case("AsksForTheWindowOnce", LONGER, "L1", "the relayer sent no resolve_dependency for it"),
    Case("LeavesSiblings", BESIDE, "L2", "the relayer sent no mark_executed for it"),
    Case("OneBlockTooLate", AMID, "L1", "the relayer sent no resolve_dependency for it"),
    Case("RereadsLogs", AT_REST, "L7", "requests at rest not to grow", PROMISED),
]
ALL = os.environ.get("LAB_FOREIGN") == "all"
DEFAULT = ("IgnoresReorgs", "RepeatsAfterRestart", "BlindToOneChain", "Hammers", "polling")
START_S = 12.0
CORRECT = {"polling": ORPHANED, "filter": REFUSED, "batch": BEHIND, "events": ORPHANED, "forgetting": AT_REST}
DECLARED = {case.relayer: case.requests_per_minute for case in CASES} | {"forgetting": PROMISED}


def command_of(name: str) -> RelayerCommand:
    program = FOREIGN / ("relayer.py" if name in CORRECT else "broken.py")
    command = parse_command(shlex.join([sys.executable, str(program), name]), ROOT)
    command = replace(command, declared=DeclaredRelayer(requests_per_minute=DECLARED.get(name)))
    # Many start at once: time is set aside for that, for a run that begins late could not be judged.
    command.started_within(START_S)
    return command


@pytest.fixture(scope="module")
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Future[Result]]]:
    """What came of every relayer that a chosen test asks for, by its name."""
    folder, backend = tmp_path_factory.mktemp("foreign"), ProcessBackend()
    scenarios = {case.relayer: case.scenario for case in CASES} | CORRECT

    def play(name: str) -> Result:
        file = folder / f"{name}.yaml"
        file.write_text(scenarios[name].replace("DUE", str(int(time.time()) + 100)))
        (item,) = load_scenario(file, known_checks=CHECKS)
        options = Options(backend, "a test", TARGET, "detection", relayer_command=command_of(name))
        return run_item(item, options, folder / name, "")

    tests = [item for item in request.session.items if item.path == request.path]
    chosen = [item.callspec.id for item in tests if isinstance(item, pytest.Function)]
    with ThreadPoolExecutor(max_workers=len(scenarios)) as pool:
        yield {name: pool.submit(play, name) for name in scenarios if name in chosen}
    backend.close()


@pytest.mark.parametrize(
    "case", [case for case in CASES if ALL or case.relayer in DEFAULT], ids=lambda case: case.relayer
)
def test_the_check_named_for_the_mistake_names_it(results: Mapping[str, Future[Result]], case: Case) -> None:
    verdict = results[case.relayer].result().verdict
    judged = next(one for one in verdict.checks if one.check == case.named)
    if too_busy(verdict):
        assert verdict.verdict is not Verdict.PASS
        return
    assert (verdict.verdict, judged.verdict) == (Verdict.FAIL, Verdict.FAIL), verdict.reasons
    assert any(case.words in text for text in [finding.message for finding in judged.findings]), judged


@pytest.mark.parametrize("style", [style for style in CORRECT if ALL or style in DEFAULT])
def test_a_correct_relayer_fails_nothing(results: Mapping[str, Future[Result]], style: str) -> None:
    """On a machine that was too busy to be judged, a run may be UNKNOWN, but never a FAIL."""
    verdict = results[style].result().verdict
    assert verdict.verdict is not Verdict.FAIL, verdict.reasons
