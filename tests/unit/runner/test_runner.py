"""Whole runs of small scenarios on real chains: steps, conditions, settling, evidence and verdicts together."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.deploy.deployer import Deployable, deployable
from lab.errors import NodeFailure
from lab.model.record_parts.about import About
from lab.model.records import Expectation, FaultMark, FinalRead, Header, Note, Operation
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from tests.compiling import compile_once

Run = Callable[..., Result]

HEAD = """
name: A test
description: A small run.
networks: {ethereum: {}, base: {}}
relayer: none
window: 30s
checks: [default, -L1, -L2, -L3]
flows:
  f: {one: {chain: ethereum, at: +40s, payload: 64B}, two: {chain: base, at: +50s, payload: 513B}}
timeline:
"""


@pytest.fixture
def run(shared_backend: ProcessBackend, reference: Deployable, tmp_path: Path) -> Run:
    """Runs a timeline, given as the lines of its steps."""

    def start(*steps: str, head: str = HEAD, **options: Any) -> Result:
        path = tmp_path / "test.yaml"
        path.write_text(head + "".join(f"  - {step}\n" for step in steps))
        (item,) = load_scenario(path, known_checks=CHECKS)
        wanted: dict[str, Any] = {
            "backend": shared_backend,
            "backend_reason": "test",
            "target": reference,
            "run_id": "t",
        }
        given = Options(**(wanted | options))
        return run_item(item, given, tmp_path / "run", "pytest test.yaml::test")

    return start


def expectations(result: Result) -> list[tuple[str, bool | None, str]]:
    """(id, met, actual) of every expectation."""
    found: list[Expectation] = result.history.of(Expectation)
    return [(each.id, each.met, each.actual) for each in sorted(found, key=lambda each: each.seq)]


def test_a_run_that_passes(run: Run) -> None:
    """Buffered, resolved, executed by hand; sealed evidence of all of it, without a path or a host in the history."""
    result = run(
        "buffer: f.one",
        "expect: {leg: f.one, state: BUFFERED}",
        "{at: 45s, resolve: f.one, expect: {event: TransactionReady}}",
        "execute: f.one",
        "expect: {leg: f.one, state: EXECUTED}",
        "expect: {chain: ethereum, function: transaction_count, returns: 1}",
        "expect: {chain: ethereum, function: owner, returns: owner}",
        "expect: {chain: ethereum, function: authorized_operators, args: [attacker], returns: false}",
        "call: {chain: ethereum, function: is_transaction_ready, args: [f.one]}",
    )
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    assert all(met for _, met, _ in expectations(result))
    assert result.folder.verify() == []
    assert result.folder.verdict() == result.verdict
    assert result.folder.manifest()["history_digest"] == result.digest
    text = (result.folder.path / "history.jsonl").read_text()
    assert str(result.folder.path) not in text
    assert os.uname().nodename not in text
    assert "127.0.0.1" not in text
    header = result.history.records[0]
    assert isinstance(header, Header)
    assert [leg.timestamp - header.genesis_time for leg in header.legs] == [40, 50]
    reads: list[FinalRead] = result.history.of(FinalRead)
    assert {read.chain: read.transaction_count for read in reads} == {"ethereum": 1, "base": 0}


def test_a_run_ends_where_its_history_is_full(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes later is not played; it is UNKNOWN, with what to do, and its evidence is whole."""
    monkeypatch.setattr("lab.evidence.recorder.HISTORY_LINES_MAX", 40)
    result = run(*["call: {chain: base, function: transaction_count}"] * 20, "{at: 30s, buffer: f.one}")
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert "at most 40 are read: make the scenario shorter, or divide it" in result.verdict.reasons[0]
    assert result.folder.verify() == []
    assert 40 < len(result.history.records) < 60


AHEAD = """
name: A chain whose clock is ahead
description: The time of a mirror has passed there by the time that it is sent.
networks: {arbitrum: {}, polygon: {finality: {blocks: 6}}}
seed: 3000478
timeout: 30m
window: 61s
relayer: reference
flows: {f0: {a: {chain: polygon, at: +86s}, b: {chain: arbitrum, at: +106s, after: a}}}
checks: [default, -S9]
timeline:
"""


def test_a_mirror_refused_for_its_time_is_made_anew_at_the_next_poll(run: Run) -> None:
    """Found by the swarm (3000478): each refusal doubled the wait, so that it came 20 s after the clock was right."""
    skew = "{at: 99s, fault: timestamp_skew, chain: arbitrum, seconds: 10, for: 33s}"
    # It moves the polls, too.
    pause = "{at: 62700ms, fault: relayer_pause, for: 5s}"
    result = run("{at: 0s, buffer: f0}", pause, skew, "{at: 130s, wait: 1s}", head=AHEAD)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


def test_latencies_are_expected(run: Run) -> None:
    """From block to block, as recorded so far: not yet, in time, and too late."""
    result = run(
        "buffer: f.one",
        "expect: {leg: f.one, latency: to_ready, below: 90s}",
        "{at: 45s, resolve: f.one}",
        "expect: {leg: f.one, latency: to_ready, below: 90s}",
        "expect: {leg: f.one, latency: to_ready, below: 20s}",
        "{execute: f.one}",
        "expect: {leg: f.one, latency: to_executed, below: 100s}",
    )
    found = [(met, actual) for id_, met, actual in expectations(result) if id_.startswith("expect")]
    took = found[1][1]
    assert [met for met, _ in found] == [False, True, False, True]
    assert found[0][1] == "f.one has not come that far"
    assert took == found[2][1]
    assert 20 < float(took.removeprefix("it took ").removesuffix(" s")) < 60


def test_an_unmet_expectation_fails_the_run(run: Run) -> None:
    """The run goes on to its end; the reason says where, what and why."""
    result = run(
        "buffer: f.one",
        "{expect: {leg: f.one, state: READY}, within: 3s, because: somebody should}",
        "expect: {chain: ethereum, function: transaction_count, returns: 1}",
    )
    assert result.verdict.verdict is Verdict.FAIL
    assert result.verdict.reasons[0] == (
        "test.yaml:12:5 expect#2: expected f.one READY on ethereum within 3 s; got f.one is BUFFERED (somebody should)"
    )
    assert [met for _, met, _ in expectations(result)] == [True, False, True]


@pytest.mark.parametrize(
    ("expect", "met"),
    [
        ('{revert: "Not authorized"}', True),
        ('{revert: "Not"}', True),
        ('{revert: "Paused"}', False),
        ("fail", True),
        ("ok", False),
        ("{event: TransactionReady}", False),
    ],
)
def test_outcomes_of_a_call_that_reverts(run: Run, expect: str, met: bool) -> None:
    """The part of the reason that is given must be in it."""
    result = run("buffer: f.one", f"{{resolve: f.one, as: attacker, expect: {expect}}}")
    assert expectations(result)[1][1] is met
    assert "Not authorized" in expectations(result)[1][2]
    (about,) = [each.about for each in result.history.of(Expectation) if "resolve" in each.expected]
    wanted = About(function="resolve_dependency", refusals=(("Paused",), ()))
    assert about == (wanted if "Paused" in expect else None)
    assert result.verdict.verdict is (Verdict.PASS if met else Verdict.FAIL)


@pytest.mark.parametrize(
    ("expect", "met"),
    [
        ("ok", True),
        ("{event: TransactionFailed}", True),
        ("{event: TransactionFailed, reason: Dependencies not satisfied}", True),
        ("{event: TransactionFailed, reason: Transaction expired}", False),
        ("{event: TransactionReady}", False),
        ('{revert: "x"}', False),
        ("fail", False),
    ],
)
def test_outcomes_of_a_call_that_succeeds_without_effect(run: Run, expect: str, met: bool) -> None:
    """Status 1 with a TransactionFailed: only the event tells."""
    result = run("buffer: f.one", f"{{at: 20s, resolve: f.one, expect: {expect}}}")
    assert expectations(result)[1][1] is met


def test_a_payload_too_long_is_refused(run: Run) -> None:
    """513 bytes of a file reach the contract as 513 bytes, and it says no."""
    result = run("buffer: f.one", "{buffer: f.two, expect: fail}")
    assert [met for _, met, _ in expectations(result)] == [True, True]


def test_a_core_operation_that_never_succeeded(run: Run) -> None:
    """Everything expected came true, and nothing was proven."""
    result = run('{buffer: f.one, as: attacker, expect: {revert: "Not authorized"}}')
    assert all(met for _, met, _ in expectations(result))
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert any("buffer_transaction never once succeeded" in reason for reason in result.verdict.reasons)


def test_a_fault_that_never_bit(run: Run) -> None:
    """It is healed at the end, and the run is UNKNOWN."""
    result = run("buffer: f.one", "{id: quiet, fault: rpc_error, chain: base}")
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert "fault quiet (rpc_error) never acted: refused 0 of 0 matching requests" in result.verdict.reasons
    marks: list[FaultMark] = result.history.of(FaultMark)
    assert [(each.phase, each.activations) for each in marks] == [("inject", 0), ("heal", 0)]


def test_a_fault_ends_by_itself_or_by_a_step(run: Run) -> None:
    """At its time, once, with its activations counted then."""
    result = run(
        "{id: spike, at: 10s, fault: base_fee_spike, chain: base, factor: 3, for: 5s}",
        "{id: stop, at: 12s, fault: node_pause, chain: ethereum}",
        "{at: 40s, heal: stop}",
        "buffer: f.one",
    )
    marks: list[FaultMark] = result.history.of(FaultMark)
    found = [(mark.id, mark.phase, mark.t_ms) for mark in sorted(marks, key=lambda mark: mark.seq)]
    assert found == [
        ("spike", "inject", 10_000), ("stop", "inject", 12_000), ("spike", "heal", 15_000), ("stop", "heal", 40_000)
    ]  # fmt: skip
    assert all(mark.activations > 0 for mark in marks if mark.phase == "heal")


def test_a_timeout_is_unknown(run: Run) -> None:
    """What was not reached is not judged, and said."""
    result = run(
        "{id: k, fault: node_kill, chain: ethereum}",
        "buffer: f.one",
        "expect: {leg: f.one, state: EMPTY}",
        head=("timeout: 60s" + HEAD).replace("base", "polygon"),
    )
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert expectations(result) == []
    assert any(reason.startswith("timeout: expect#3 was not reached within 60 s") for reason in result.verdict.reasons)
    assert any("buffer#2 (buffer_transaction on ethereum) has no known" in reason for reason in result.verdict.reasons)


def test_until_and_hold(run: Run) -> None:
    """`until` goes on as soon as it is true; `hold` fails when it stops being true, and says what came instead."""
    result = run(
        "buffer: f.one",
        "{at: 41s, resolve: f.one}",
        "{until: {leg: f.one, state: READY}, within: 60s}",
        "{expect: {leg: f.one, state: READY}, hold: 10s}",
        "{id: soon, at: 80s, execute: f.one}",
        "{at: 80s, expect: {leg: f.one, state: READY}, hold: 30s}",
    )
    by_id = {id: (met, actual) for id, met, actual in expectations(result)}
    assert by_id["until#3"][0]
    assert by_id["expect#4"][0]
    assert by_id["expect#6"] == (False, "f.one is EXECUTED")


def test_a_function_that_the_contract_lacks(run: Run) -> None:
    """Neither a call nor a read of it is a crash."""
    result = run(
        "buffer: f.one",
        "call: {chain: base, function: nonesuch}",
        "expect: {chain: base, function: nonesuch, returns: 1}",
    )
    told = [(met, actual) for _, met, actual in expectations(result)[1:]]
    assert told == [(False, "the contract has no function nonesuch")] * 2


def test_a_stopped_chain_cannot_be_looked_at(run: Run) -> None:
    """The expectation says so instead of crashing the run."""
    result = run("buffer: f.one", "{id: k, fault: node_kill, chain: ethereum}", "wait: 30s",
                 "expect: {leg: f.one, state: BUFFERED}")  # fmt: skip
    assert expectations(result)[1][1] is None
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert "the node of ethereum is down" in expectations(result)[1][2]


@pytest.mark.parametrize("plain", [False, True])
def test_expired_with_and_without_such_a_state(run: Run, reference: Deployable, plain: bool) -> None:
    """A documented contract stays BUFFERED, which past its window is EXPIRED; one with the state must reach it."""
    target = reference
    if plain:
        source = REFERENCE_CONTRACT.parent / "plain" / "PlainCoordinator.vy"
        target = deployable(compile_once(source))
        assert "expiry" not in target.capabilities
    result = run(
        "buffer: f.one",
        "{at: 60s, expect: {leg: f.one, state: EXPIRED}}",
        "{at: 90s, expect: {leg: f.one, state: EXPIRED}}",
        target=target,
    )
    actual = [(met, seen) for _, met, seen in expectations(result)[1:]]
    assert actual[0] == (False, "f.one is BUFFERED")
    assert actual[1] == (
        (True, "BUFFERED past its window (the contract has no state EXPIRED)")
        if plain
        else (False, "f.one is BUFFERED")
    )


def test_late_steps_are_noted(run: Run) -> None:
    """A step whose time has passed begins at once."""
    result = run(
        "buffer: f.one", "expect: {leg: f.one, state: BUFFERED}", "{at: 1s, expect: {leg: f.one, state: BUFFERED}}"
    )
    notes: list[Note] = result.history.of(Note)
    assert any(note.kind == "late" and note.text.startswith("expect#3 was to begin at 1 s") for note in notes)


def test_administration(run: Run) -> None:
    """As the owner by default; roles and numbers become arguments."""
    result = run(
        "buffer: f.one",
        "admin: {chain: ethereum, action: pause}",
        '{resolve: f.one, expect: {revert: "Coordinator is paused"}}',
        "expect: {chain: ethereum, function: paused, returns: true}",
        "admin: {chain: base, action: set_window, value: 45s}",
        "expect: {chain: base, function: coordination_window, returns: 45}",
        "admin: {chain: base, action: remove_operator, value: relayer}",
        "expect: {chain: base, function: authorized_operators, args: [relayer], returns: false}",
        "{admin: {chain: ethereum, action: unpause}, as: operator, expect: fail}",
    )
    assert [(id, met) for id, met, actual in expectations(result) if not met] == []
    operations: list[Operation] = result.history.of(Operation)
    assert [each.actor for each in operations if each.function == "set_coordination_window"] == ["owner"]


def test_a_node_that_dies_unasked_ends_the_run(run: Run, shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """As an error of the environment; the evidence so far stays, and no node is left."""

    before = [node for node in shared_backend._nodes if node.alive()]

    def progress(text: str) -> None:
        if "wait" in text:
            logs = {node.spec.log_path: node for node in shared_backend._nodes}
            logs[tmp_path / "run" / "logs" / "base.log"].kill()

    with pytest.raises(NodeFailure, match="the node of base died unasked"):
        run("buffer: f.one", "wait: 10s", "expect: {chain: base, function: transaction_count, returns: 0}",
            progress=progress)  # fmt: skip
    assert (tmp_path / "run" / "history.jsonl").stat().st_size > 0
    assert not [node for node in shared_backend._nodes if node.alive() and node not in before]


def test_a_run_ends_after_the_window_in_force_not_the_one_it_began_with(run: Run) -> None:
    """The owner widens the window from 5 s to 100 s: a child without a parent expires at 120 s, and the run sees it."""
    head = """
name: A test
description: A child that waits for nobody, and a window that is widened.
networks: {polygon: {}}
window: 5s
checks: [L2]
flows: {f: {none: {chain: polygon, at: +20s}, lost: {chain: polygon, at: +20s, after: none}}}
timeline:
"""
    result = run(
        "buffer: f.lost",
        "admin: {chain: polygon, action: set_window, value: 100s}",
        head=head,
    )
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
