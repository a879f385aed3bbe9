"""What a scenario in Python plans at once fits the blocks of a contract that takes few, or is not exercised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.coordinator import rollup_address
from lab.coordinator.reads import ZERO_ID
from lab.deploy.deployer import Deployable, deployable
from lab.model.contract.names import Limits
from lab.model.verdict import RunVerdict, Verdict
from lab.paths import CONTRACTS, REFERENCE_CONTRACT
from lab.runner.guarded import guarded
from lab.runner.runner import Options, run_item
from lab.runner.script import Script
from lab.runner.sending import send_all
from lab.runner.steps.acting import buffer_arguments
from lab.scenario.resolve import parse_scenario
from tests.compiling import compile_once

SETUP = """
name: A test
description: More at once than a block may hold.
networks: {polygon: {}}
relayer: none
window: 30s
checks: []
flows: {f: {early: {chain: polygon, at: +5s}, late: {chain: polygon, at: +60s}, last: {chain: polygon, at: +60s}}}
timeline: [{wait: 0s}]
"""
CHAIN, MANY, LEAD_S = "polygon", 8, 10
IDS = [f"0x{number:064x}" for number in range(1, MANY + 1)]


@pytest.fixture(scope="module")
def plain() -> Deployable:
    return deployable(compile_once(REFERENCE_CONTRACT.parent / "plain/PlainCoordinator.vy"))


def requests(script: Script, due: int) -> list[tuple[str, tuple[object, ...]]]:
    """Many bufferings for one moment."""
    a, b = rollup_address("a"), rollup_address("b")
    return [("buffer_transaction", (tx_id, a, b, "0x01", ZERO_ID, due)) for tx_id in IDS]


def soon(script: Script, lead_s: int = LEAD_S) -> int:
    return script.run.lab.genesis_time + int(script.now_s) + lead_s


def buffers_many(script: Script) -> None:
    sent = script.bulk(CHAIN, requests(script, soon(script)))
    script.expect("all to be buffered", sum(tx.status for tx in sent), met=all(tx.status for tx in sent))


def begins_many(script: Script) -> None:
    calls = [(CHAIN, function, args, "operator") for function, args in requests(script, soon(script))]
    for pending in script.calls(calls):
        script.expect_ok(pending)


def resolves_many(script: Script) -> None:
    """Time enough for all to be buffered, and then a window for some of them."""
    due = soon(script, 60)
    script.bulk(CHAIN, [*requests(script, due)])
    script.advance_to(due - script.run.lab.genesis_time + 24)
    script.bulk(CHAIN, [("resolve_dependency", (tx_id,)) for tx_id in IDS])
    states = [script.reader(CHAIN).state(tx_id) for tx_id in IDS]
    script.expect("all to be READY", states, met=set(states) == {"READY"})


def is_overtaken(script: Script) -> None:
    """The first leg's time comes while the others wait for their blocks."""
    legs = script.run.item.legs
    script.finish([script.begin(CHAIN, "buffer_transaction", *buffer_arguments(script.run, leg)) for leg in legs])
    script.expect("the first not to be due yet", script.now_s, met=script.now_s < 5)


def plans_for_it(script: Script) -> None:
    """The moment is as late as the contract makes it."""
    sent = script.bulk(CHAIN, requests(script, script.due(CHAIN, MANY, LEAD_S)))
    script.expect("all to be buffered", sum(tx.status for tx in sent), met=all(tx.status for tx in sent))


def sends_elsewhere(script: Script) -> None:
    """What does not go to the contract needs no room there."""
    began_s = script.now_s
    send_all(script.run, CHAIN, "operator", [(rollup_address("a"), "0x")] * MANY)
    script.expect("one block to hold them", script.now_s - began_s, met=script.now_s - began_s < 5)


def buffers_in_one(script: Script) -> None:
    """A contract of its own is the operator, and takes all or none; the second one is refused."""
    application = script.deploy(CHAIN, CONTRACTS / "applications" / "Application.vy", role="operator")
    script.call(CHAIN, "add_operator", application.address, role="owner")
    target = script.run.lab.spec.target
    (function, args), *_ = requests(script, soon(script))
    calls = [target.codec.encode(function, args)] * 2
    tx = script.call_other(application, "run", target.address, calls, gas=2_000_000)
    script.expect("both to be buffered in one transaction", tx.status, met=tx.status == 1)


@pytest.mark.parametrize(
    ("play", "lacks"),
    [
        (buffers_many, "room in the blocks of polygon for all that is to be there until 1"),
        (begins_many, "room in the blocks of polygon for all that is to be there until 1"),
        (resolves_many, "room in the blocks of polygon for all that is to be there until 90"),
        (is_overtaken, "room in blocks for what is planned until 5.000 s"),
    ],
)
def test_what_waits_for_its_block_beyond_its_time_is_not_exercised(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path, play: Callable[[Script], None], lacks: str
) -> None:
    """No fault of a contract that declares the limit; of one that does not, all of it is played."""
    found = ran(shared_backend, replace(plain, limits=Limits(per_block=1)), tmp_path, play)
    assert found.verdict is Verdict.NOT_EXERCISED, found.reasons
    (lack,) = found.lacks
    assert lack.startswith(lacks), lack
    assert lack.endswith("(limits: per_block 1)")
    for limits in (Limits(), Limits(per_block=MANY)):
        found = ran(shared_backend, replace(plain, limits=limits), tmp_path, play)
        assert (found.verdict, found.lacks) == (Verdict.PASS, ()), found.reasons


@pytest.mark.parametrize("play", [plans_for_it, sends_elsewhere])
@pytest.mark.parametrize("limits", [Limits(), Limits(per_block=1), Limits(per_block=3)])
def test_what_knows_the_limit_is_played(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path, limits: Limits, play: Callable[[Script], None]
) -> None:
    """However few operations the contract takes."""
    found = ran(shared_backend, replace(plain, limits=limits), tmp_path, play)
    assert (found.verdict, found.lacks) == (Verdict.PASS, ()), found.reasons


def test_what_is_too_far_ahead_for_the_contract_is_not_exercised(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path
) -> None:
    """It wants more blocks than there are within its horizon."""
    limits = Limits(per_block=1, horizon_seconds=LEAD_S + 2)
    found = ran(shared_backend, replace(plain, limits=limits), tmp_path, plans_for_it)
    assert found.verdict is Verdict.NOT_EXERCISED
    assert found.lacks == ("room within 12 s for 8 operations of an account on polygon (limits: per_block 1)",)


@pytest.mark.parametrize(
    ("per_block", "verdict"), [(None, Verdict.FAIL), (2, Verdict.FAIL), (1, Verdict.NOT_EXERCISED)]
)
def test_more_in_one_transaction_than_in_a_block_is_no_fault(
    shared_backend: ProcessBackend, plain: Deployable, tmp_path: Path, per_block: int | None, verdict: Verdict
) -> None:
    """A contract that takes so many has to say yes."""
    found = ran(shared_backend, replace(plain, limits=Limits(per_block=per_block)), tmp_path, buffers_in_one)
    assert found.verdict is verdict, found.reasons
    room = ("room for 2 operations of an account in one transaction on polygon (limits: per_block 1)",)
    assert found.lacks == (room if per_block == 1 else ())


def ran(backend: ProcessBackend, target: Deployable, folder: Path, play: Callable[[Script], None]) -> RunVerdict:
    """The verdict of one run."""
    (item,) = parse_scenario(SETUP, Path(__file__))
    options = Options(backend, "a test", target, "t")
    return run_item(item, options, folder / "run", "", lambda run: guarded(run, play)).verdict
