"""The collector on real chains: what it counts is what the receipts hold, over reorgs, restarts and bad endpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.coordinator.accounts import OPERATOR_ROLES, operators_of
from lab.model.chain.finality import Finality
from lab.monitor.collect.collector import identity_of, read_memory
from lab.ops.declared import declared_by_session
from lab.rpc import RpcRefused, RpcUnavailable
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test
from tests.unit.conftest import StartLab
from tests.unit.real_chains import buffer, send, tx_id

from .watching import Watched, events, untouched

WARDEN = Path(__file__).parents[2] / "detection/correct/warden"
FINAL = Finality(blocks=3)


@pytest.mark.parametrize(
    ("chain", "finality"),
    [("ethereum", FINAL), ("arbitrum", Finality(seconds=30))],
    ids=["blocks of 12 s", "of 250 ms"],
)
def test_events_equal_receipts_over_reorg_and_restart(start_lab: StartLab, chain: str, finality: Finality) -> None:
    """Counted once on the canonical chain: a reorg that mines them again adds nothing, a restart adds nothing."""
    lab = start_lab(chain, finality=finality, deepest_reorg=8)
    watched = Watched(lab)
    for number in range(1, 4):
        buffer(lab, chain, number, at_s=40)
        watched.at(12 * number + 1)
    before = lab.chains[chain].look().block(lab.chains[chain].look().block_number())
    lab.chains[chain].reorg(2, requeue=True)
    samples = watched.at(60)
    assert before is not None
    assert lab.chains[chain].look().call("eth_getBlockByHash", before["hash"], False) is None
    assert samples.get("chain_reorgs_total", chain) == 1
    memory = read_memory(watched.collector.dump())
    assert memory is not None
    watched.restart(memory)
    send(lab, chain, "operator", "resolve_dependency", tx_id(1))
    samples = watched.at(200)
    assert events(samples, chain) == dict(watched.receipts(chain))
    assert events(samples, chain)["TransactionBuffered"] == 3
    assert samples.get("chain_finality_violations_total", chain) == 0


def test_without_the_position_everything_is_read_again(start_lab: StartLab) -> None:
    """From the deployment on: the same counts. A position of another deployment counts for nothing."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1)
    before = events(watched.at(30), "optimism")
    memory = read_memory(watched.collector.dump())
    assert memory is not None
    assert memory.identity == identity_of(watched.session)
    memory.identity["optimism"] = "another"
    watched.restart(memory)
    assert events(watched.at(31), "optimism") == before == dict(watched.receipts("optimism"))
    assert read_memory(b"{}") is None


def test_orphans_dropped_are_not_counted(start_lab: StartLab) -> None:
    """An event that is on no canonical block any more never counts; its transaction is unknown again."""
    lab = start_lab("ethereum", finality=FINAL, deepest_reorg=8)
    watched = Watched(lab)
    buffer(lab, "ethereum", 1)
    assert watched.at(13).get("transactions", "ethereum", "BUFFERED") == 1
    lab.chains["ethereum"].reorg(1, requeue=False)
    samples = watched.at(120)
    assert samples.get("transactions", "ethereum", "BUFFERED") == 0
    assert "TransactionBuffered" not in events(samples, "ethereum")


def test_a_reverted_call_is_found_with_its_reason(start_lab: StartLab) -> None:
    """It emits nothing: found in the blocks, its reason decoded; one for want of a role counts as unauthorised."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    watched.at(1)
    send(lab, "optimism", "attacker", "add_operator", role_account("attacker").address)
    send(lab, "optimism", "operator", "mark_executed", tx_id(9))
    samples = watched.at(10)
    assert samples.get("calls_total", "optimism", "add_operator", "reverted") == 1
    assert samples.get("unauthorized_calls_total", "optimism", "add_operator") == 1
    assert samples.get("calls_total", "optimism", "mark_executed", "reverted") == 1
    assert samples.get("unauthorized_calls_total", "optimism", "mark_executed") == 0
    reasons = {line["function"]: line["reason"] for line in watched.lines if line["event"] == "call" and not line["ok"]}
    assert reasons == {"add_operator": "Only owner can add operators", "mark_executed": "Transaction not ready"}


def test_the_life_of_a_transaction(start_lab: StartLab) -> None:
    """States, stages and costs of one that is buffered, resolved and executed, from blocks alone."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1, at_s=10)
    assert watched.at(4).get("transactions", "optimism", "BUFFERED") == 1
    lab.scheduler.advance_to(12_000)
    send(lab, "optimism", "operator", "resolve_dependency", tx_id(1))
    assert watched.at(16).get("transactions", "optimism", "READY") == 1
    send(lab, "optimism", "operator", "mark_executed", tx_id(1))
    samples = watched.at(20)
    states = {s: samples.get("transactions", "optimism", s) for s in ("BUFFERED", "READY", "EXECUTED", "EXPIRED")}
    assert states == {"BUFFERED": 0, "READY": 0, "EXECUTED": 1, "EXPIRED": 0}
    cost = samples.get("call_cost_wei_total", "optimism", "mark_executed")
    rpc = lab.chains["optimism"].look()
    (line,) = [line for line in watched.lines if line.get("function") == "mark_executed"]
    receipt = rpc.receipt(line["tx"])
    assert receipt is not None
    assert cost == int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
    assert samples.get("leg_stage_seconds", "optimism", "to_executed").counts.index(1) > 0  # type: ignore[union-attr]


def test_a_transaction_past_its_window_is_overdue_until_it_ends(start_lab: StartLab) -> None:
    """By the clock, not by the head: on a halted chain time passes, too."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1, at_s=10)
    assert watched.at(70).get("legs_overdue", "optimism") == 0
    lab.chains["optimism"].freeze()
    assert watched.at(75).get("legs_overdue", "optimism") == 1
    lab.chains["optimism"].thaw()
    send(lab, "optimism", "operator", "expire_transaction", tx_id(1))
    samples = watched.at(90)
    assert samples.get("legs_overdue", "optimism") == 0
    assert samples.get("transactions_failed_total", "optimism", "expired") == 1


def test_what_a_call_would_do_waits_for_it(start_lab: StartLab) -> None:
    """From its time until resolved, then until executed; not beyond its window, nor while paused or down."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1, at_s=10)

    def wait_s(at_s: int) -> Any:
        return watched.at(at_s).get("legs_waiting_seconds", "optimism")

    assert [wait_s(at_s) for at_s in (5, 10, 30)] == [0, 0, 20]
    send(lab, "optimism", "operator", "resolve_dependency", tx_id(1))
    assert wait_s(34) == 34 - ready_s(watched, 1)
    send(lab, "optimism", "owner", "pause")
    assert wait_s(60) == 0
    send(lab, "optimism", "owner", "unpause")
    assert wait_s(76) == 76 - ready_s(watched, 1)
    lab.chains["optimism"].freeze()
    assert wait_s(90) is None
    lab.chains["optimism"].thaw()
    send(lab, "optimism", "operator", "mark_executed", tx_id(1))
    assert wait_s(120) == 0
    buffer(lab, "optimism", 2, at_s=130)
    assert [wait_s(at_s) for at_s in (180, 195)] == [50, 0]


def ready_s(watched: Watched, number: int) -> float:
    """Seconds of the run at which a transaction became READY."""
    entry = watched.collector.chains["optimism"].memory.head_book.open[tx_id(number)]
    assert entry.ready_s is not None
    return entry.ready_s - watched.lab.genesis_time


def test_values_that_could_not_be_read_are_dropped(start_lab: StartLab) -> None:
    """A frozen node leaves no head, fee or contract value behind; the counters stay, and the chain is down."""
    lab = start_lab("optimism", "ethereum")
    watched = Watched(lab)
    assert watched.at(5).get("contract_paused", "optimism") == 0
    lab.chains["optimism"].freeze()
    samples = watched.at(30)
    gone = (
        "chain_head_block",
        "chain_base_fee_wei",
        "contract_paused",
        "contract_window_seconds",
        "chain_finalized_block",
    )
    assert [name for name in gone if samples.get(name, "optimism") is not None] == []
    assert (samples.get("chain_up", "optimism"), samples.get("chain_up", "ethereum")) == (0, 1)
    assert samples.get("chain_reorgs_total", "optimism") == 0
    lab.chains["optimism"].thaw()
    assert watched.at(60).get("chain_up", "optimism") == 1


def test_operators_are_shown_and_undeclared_ones_counted(start_lab: StartLab) -> None:
    """Somebody whom the session does not declare shows by the event that made them one."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    attacker = role_account("attacker").address
    assert watched.at(1).get("operators_undeclared", "optimism") == 0
    send(lab, "optimism", "owner", "add_operator", attacker)
    samples = watched.at(20)
    assert samples.get("operators_undeclared", "optimism") == 1
    assert samples.get("operator_authorized", "optimism", attacker, "undeclared") == 1
    send(lab, "optimism", "owner", "remove_operator", attacker)
    samples = watched.at(40)
    assert samples.get("operators_undeclared", "optimism") == 0
    assert samples.get("operator_authorized", "optimism", attacker, "undeclared") == 0


def test_an_owner_that_is_no_operator_is_not_taken_for_one(start_lab: StartLab) -> None:
    """`warden` keeps the two apart: its owner is declared no operator, and is an undeclared one by its own grant."""
    lab = start_lab(
        "optimism", target=compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=WARDEN))
    )
    watched, owner = Watched(lab), role_account("owner").address
    declared = declared_by_session(watched.session)["optimism"]
    assert (declared.owner, set(declared.operators)) == (owner, {role_account(role).address for role in OPERATOR_ROLES})
    samples = watched.at(1)
    assert samples.get("operators_undeclared", "optimism") == 0
    assert samples.get("operator_authorized", "optimism", owner, "undeclared") == 0
    send(lab, "optimism", "owner", "add_operator", owner)
    samples = watched.at(20)
    assert samples.get("operators_undeclared", "optimism") == 1
    assert samples.get("operator_authorized", "optimism", owner, "undeclared") == 1
    # Its grants have an event that nobody documented: the call itself shows whom it is about.
    send(lab, "optimism", "owner", "add_operator", role_account("attacker").address)
    assert watched.at(40).get("operators_undeclared", "optimism") == 2


def test_a_session_that_does_not_say_means_the_documented_operators(start_lab: StartLab) -> None:
    """One of an earlier version; what set-up left as operators is the same for the reference."""
    session = Watched(start_lab("optimism")).session
    chain = session.chains["optimism"].model_copy(update={"operators": None})
    earlier = session.model_copy(update={"chains": {"optimism": chain}})
    assert operators_of(earlier, "optimism") == operators_of(session, "optimism")
    assert set(operators_of(earlier, "optimism").values()) == {"owner", *OPERATOR_ROLES}


def test_a_range_limit_is_narrowed(start_lab: StartLab) -> None:
    """A provider that takes a few blocks a request gets more requests."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1)

    def limited(method: str, params: list[Any], call: Any) -> Any:
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 4:
            raise RpcRefused(method, -32005, "query exceeds max block range 4")
        return call()

    watched.transports["optimism"].wrap = limited
    assert events(watched.at(60), "optimism") == dict(watched.receipts("optimism"))


def test_a_lagging_endpoint_is_no_reorg(start_lab: StartLab) -> None:
    """Its head is an older block of the same chain; nothing is taken back, and nothing is counted twice."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    buffer(lab, "optimism", 1)
    watched.at(20)

    def behind(method: str, params: list[Any], call: Any) -> Any:
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            return lab.chains["optimism"].look().block(5)
        return call()

    watched.transports["optimism"].wrap = behind
    samples = watched.at(30)
    assert samples.get("chain_reorgs_total", "optimism") == 0
    assert samples.get("chain_head_block", "optimism") == 5
    watched.transports["optimism"].wrap = untouched
    samples = watched.at(40)
    assert (samples.get("chain_reorgs_total", "optimism"), samples.get("chain_scan_lag_blocks", "optimism")) == (0, 0)
    assert events(samples, "optimism") == dict(watched.receipts("optimism"))


def test_logs_that_lack_what_receipts_have_are_asked_for_again(start_lab: StartLab) -> None:
    """An index that lags behind its own blocks makes no count wrong: the poll fails, the next one reads them."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    watched.at(1)
    buffer(lab, "optimism", 1)
    watched.transports["optimism"].wrap = lambda method, params, call: [] if method == "eth_getLogs" else call()
    assert watched.at(10).get("chain_up", "optimism") == 0
    watched.transports["optimism"].wrap = untouched
    assert events(watched.at(20), "optimism") == dict(watched.receipts("optimism"))


def test_requests_are_bounded(start_lab: StartLab) -> None:
    """No more in a minute than stated; what is left comes later, and the count of polls cut short says so."""
    lab = start_lab("base")
    watched = Watched(lab, per_minute=200)
    lab.scheduler.advance_to(120_000)
    for second in range(120, 180, 5):
        samples = watched.at(second)
    asked = sum(watched.transports["base"].calls.values())
    # A full bucket, and what a minute adds.
    assert asked <= 2 * 200
    assert samples.get("rpc_deferred_total", "base") > 0  # type: ignore[operator]
    assert samples.get("chain_up", "base") == 1


def test_an_endpoint_of_another_chain_counts_for_nothing(start_lab: StartLab) -> None:
    """It answers plausibly, and is refused."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    watched.transports["optimism"].wrap = lambda method, params, call: "0x1" if method == "eth_chainId" else call()
    samples = watched.at(10)
    assert samples.get("chain_up", "optimism") == 0
    assert events(samples, "optimism") == {}
    assert "expected chain 10" in str(watched.collector.chains["optimism"].error)


NONSENSE: tuple[Any, ...] = (None, 7, "0x", [], {}, {"number": "x", "hash": 1}, [None], "0xzz")


def _instead(method: str, answer: Any, asked: str, params: list[Any], call: Any) -> Any:
    return answer if asked == method else call()


@pytest.mark.parametrize(
    "method", ["eth_getBlockByNumber", "eth_getLogs", "eth_getBlockReceipts", "eth_call", "eth_getCode"]
)
def test_nonsense_is_a_failed_poll_at_most(start_lab: StartLab, method: str) -> None:
    """Whatever shape an answer has, the collector goes on and its counts stay right."""
    lab = start_lab("optimism")
    watched = Watched(lab)
    for step, answer in enumerate(NONSENSE):
        watched.at(20 * step + 1)
        buffer(lab, "optimism", 2 * step + 1)
        send(lab, "optimism", "owner", "remove_operator", role_account("attacker").address)
        watched.transports["optimism"].wrap = partial(_instead, method, answer)
        watched.at(20 * step + 10)
        watched.transports["optimism"].wrap = untouched
    assert events(watched.at(200), "optimism") == dict(watched.receipts("optimism"))


def test_a_chain_that_fails_does_not_hide_the_others(start_lab: StartLab) -> None:
    """Each chain by itself."""
    lab = start_lab("optimism", "base")
    watched = Watched(lab)

    def fails(method: str, params: list[Any], call: Any) -> Any:
        raise RpcUnavailable(method, "no connection", sent=False)

    watched.transports["base"].wrap = fails
    samples = watched.at(10)
    assert (samples.get("chain_up", "optimism"), samples.get("chain_up", "base")) == (1, 0)


@pytest.mark.parametrize("answer", ["", "0x", "0x01", 7, None])
def test_a_view_is_read_again_each_time(start_lab: StartLab, answer: object) -> None:
    """What it said before is not what it says now: another answer is another value, what is none has no value."""
    lab = start_lab("optimism")
    watched = Watched(lab, interval_s=15)
    window_s = watched.at(1).get("contract_window_seconds", "optimism")
    assert window_s
    data = lab.spec.target.codec.encode("coordination_window", ())

    def wrap(method: str, params: list[Any], call: Callable[[], Any]) -> Any:
        return answer if method == "eth_call" and params[0]["data"] == data else call()

    watched.transports["optimism"].wrap = wrap
    assert watched.at(16).get("contract_window_seconds", "optimism") is None
    watched.transports["optimism"].wrap = untouched
    assert watched.at(31).get("contract_window_seconds", "optimism") == window_s
    send(lab, "optimism", "owner", "set_coordination_window", 77)
    assert watched.at(46).get("contract_window_seconds", "optimism") == 77
