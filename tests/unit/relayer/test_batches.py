"""A backlog: batch calls, what they fall back to, crashes and reorgs of them, and several calls in one request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from lab.coordinator import Codec
from lab.relayer import CRASH_POINTS
from lab.relayer.deciding import decisions
from lab.relayer.memory.records import Action, World
from lab.relayer.memory.store import SEPARATOR
from lab.relayer.sending.batches import BACKLOG, Batches

from .bench import Bench, tx_id
from .fakes import ABI, BATCH_ABI, BatchingChain, FakeChain, decode_raw
from .test_crash import die_at

MANY = 40


@dataclass(frozen=True)
class _Core:
    """The decisions, of which one may be replaced."""

    decide: Callable[..., Any] = decisions.decide
    questions: Callable[..., Any] = decisions.questions
    justified: Callable[..., Any] = decisions.justified
    pending: Callable[..., Any] = decisions.pending


CORE = _Core()


def bench_of(folder: Path, *, abi: list[dict[str, Any]] = BATCH_ABI, kind: type[FakeChain] = FakeChain) -> Bench:
    """`MANY` roots on `two`, each with a child on `one`."""
    bench = Bench(folder, abi=abi, kind=kind)
    for number in range(1, MANY + 1):
        bench.buffer("two", number, at=10)
        bench.buffer("one", 100 + number, at=26, after=number)
    return bench


def calls(bench: Bench, chain: str) -> Counter[str]:
    """What the relayer sent to a chain, by function."""
    codec = bench.chains[chain].codec
    decoded = (codec.decode_call(decode_raw(raw, bench.account.address).data) for raw in bench.chains[chain].sent)
    return Counter(call.function for call in decoded if call is not None)


def all_executed(bench: Bench) -> bool:
    """Each root and each child, once, and nothing of the relayer's is left in a pool."""
    roots = [bench.state("two", number) for number in range(1, MANY + 1)]
    children = [bench.state("one", 100 + number) for number in range(1, MANY + 1)]
    for chain in bench.chains.values():
        executions = chain.head.state.executions
        assert len(executions) == len(set(executions))
        assert not chain.pool
    return roots + children == ["EXECUTED"] * (2 * MANY)


@pytest.mark.parametrize("kind", [FakeChain, BatchingChain])
def test_a_backlog_goes_in_batches(tmp_path: Path, kind: type[FakeChain]) -> None:
    """Some batch calls for 40 flows, none single; parents before their children within the batch."""
    bench = bench_of(tmp_path, kind=kind)
    bench.run(70)
    assert all_executed(bench)
    assert calls(bench, "two") == {"resolve_batch": 1, "execute_batch": 1}
    assert calls(bench, "one") == {"buffer_batch": 2, "resolve_batch": 2, "execute_batch": 1}


def second_wave(bench: Bench) -> None:
    """As many roots again, due later, once the first have shown what an execution takes."""
    bench.run(40)
    for number in range(1, MANY + 1):
        bench.buffer("two", 200 + number, at=60)


def second_ended(bench: Bench) -> bool:
    """All of the second wave is EXECUTED."""
    return {bench.state("two", 200 + number) for number in range(1, MANY + 1)} == {"EXECUTED"}


def test_executions_go_right_behind_their_resolution(tmp_path: Path) -> None:
    """In one block, once a node has said what a batch of them takes."""
    bench = bench_of(tmp_path)
    second_wave(bench)
    bench.run(40)
    assert second_ended(bench)
    assert calls(bench, "two") == {"resolve_batch": 2, "execute_batch": 2}
    two = bench.chains["two"]
    hashes = [decode_raw(raw, bench.account.address).hash for raw in two.sent[-2:]]
    assert len({two._eth_getTransactionReceipt(tx_hash)["blockNumber"] for tx_hash in hashes}) == 1


def test_what_has_been_executed_ahead_in_vain_is_executed_by_itself(tmp_path: Path) -> None:
    """Somebody else took one of them first, so that its batch reverted: the others are resolved, then executed."""
    bench = bench_of(tmp_path)
    second_wave(bench)
    two = bench.chains["two"]
    bench.run(40, until=lambda: calls(bench, "two")["execute_batch"] == 2)
    two.operate("resolve_dependency", tx_id(205))
    two.operate("mark_executed", tx_id(205))
    bench.run(60)
    assert second_ended(bench)
    assert len(two.head.state.executions) == len(set(two.head.state.executions))
    assert bench.store().spent()["execute", "two", tx_id(206)] == 1


@pytest.mark.parametrize("point", ["after_intent", "before_send", "after_send", "after_receipt"])
@pytest.mark.parametrize("kind", [FakeChain, BatchingChain])
def test_a_crash_between_a_resolution_and_its_execution_converges(
    point: str, kind: type[FakeChain], tmp_path: Path
) -> None:
    """The next life finds both, or the first alone."""
    bench = bench_of(tmp_path, kind=kind)
    second_wave(bench)
    bench.run(40, until=lambda: bench.clock.ms >= 56_000)
    die_at(bench, point, 1, seconds=60)
    assert second_ended(bench)
    executions = bench.chains["two"].head.state.executions
    assert len(executions) == len(set(executions))


@pytest.mark.parametrize("requeue", [True, False])
def test_a_reorg_takes_a_resolution_and_its_execution_along(tmp_path: Path, requeue: bool) -> None:
    """Both come again, in their order, with the same bytes."""
    bench = bench_of(tmp_path)
    second_wave(bench)
    bench.run(60, until=lambda: calls(bench, "two")["execute_batch"] == 2)
    bench.run(2)
    bench.chains["two"].reorg(1, requeue=requeue)
    bench.run(60)
    assert second_ended(bench)
    assert len(set(bench.chains["two"].sent)) == 4


@pytest.mark.parametrize("flows", [1, MANY])
def test_a_mirror_that_is_sent_long_after_it_was_decided_is_in_time(
    tmp_path: Path, flows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Single or in a batch: what comes before it in the same poll may take seconds, and its time would be past."""
    bench = Bench(tmp_path, abi=BATCH_ABI)
    for number in range(1, flows + 1):
        bench.buffer("two", number, at=10)
        bench.buffer("one", 100 + number, at=26, after=number)

    def slowly(world: World) -> list[Action]:
        actions = decisions.decide(world)
        if any(action.kind == "mirror" for action in actions) and bench.clock.ms < 20_000:
            bench.clock.ms += 14_000
        return actions

    assert bench.relayer is not None
    monkeypatch.setattr(bench.relayer, "_core", replace(CORE, decide=slowly))
    bench.run(100)
    assert {bench.state("one", 100 + number) for number in range(1, flows + 1)} == {"EXECUTED"}
    assert not any(attempts for (kind, *_), attempts in bench.store().spent().items() if kind == "mirror")
    assert calls(bench, "one")["buffer_batch" if flows > 1 else "buffer_transaction"] == (flows > 1) + 1


def test_a_contract_without_batches_gets_single_calls_in_few_requests(tmp_path: Path) -> None:
    """The same calls one by one, and some forty of each kind in a request."""
    bench = bench_of(tmp_path, abi=ABI, kind=BatchingChain)
    bench.run(70)
    assert all_executed(bench)
    assert calls(bench, "two") == {"resolve_dependency": MANY, "mark_executed": MANY}
    two = bench.chains["two"]
    assert isinstance(two, BatchingChain)
    assert two.requests < MANY


def test_below_a_backlog_all_is_as_ever(tmp_path: Path) -> None:
    """One call less than a backlog: single calls, in the order in which they are wanted."""
    bench = Bench(tmp_path, abi=BATCH_ABI)
    for number in range(1, BACKLOG):
        bench.buffer("two", number, at=10)
    bench.run(30)
    assert calls(bench, "two") == {"resolve_dependency": BACKLOG - 1, "mark_executed": BACKLOG - 1}


def test_one_id_that_the_contract_refuses_goes_out_alone(tmp_path: Path) -> None:
    """The others reach their end in smaller batches; nothing is lost, nothing happens twice."""
    bench = bench_of(tmp_path)
    two = bench.chains["two"]
    bench.run(40, until=lambda: calls(bench, "two")["resolve_batch"] == 1)
    two.mine()
    # Somebody else is there first, and no log says so: the estimate of the batch is refused.
    for number in (7, 23):
        two.operate("mark_executed", tx_id(number))
    bench.run(70)
    assert all_executed(bench)
    assert calls(bench, "two")["mark_executed"] <= 2
    assert calls(bench, "two")["execute_batch"] > 1


def test_one_id_that_is_taken_while_the_batch_waits_reverts_it_and_only_once(tmp_path: Path) -> None:
    """All of them are tried again by themselves, and that one not at all."""
    bench = bench_of(tmp_path)
    two = bench.chains["two"]
    bench.run(40, until=lambda: calls(bench, "two")["resolve_batch"] == 1)
    two.operate("resolve_dependency", tx_id(5))
    bench.run(70)
    assert all_executed(bench)
    assert calls(bench, "two")["resolve_batch"] == 1
    assert calls(bench, "two")["resolve_dependency"] == MANY - 1
    assert bench.store().spent()["resolve", "two", tx_id(6)] == 1


def test_a_contract_that_takes_fewer_at_once_is_learnt(tmp_path: Path) -> None:
    """Ten at most: batches of no more, and the next backlog is not tried with more."""
    bench = bench_of(tmp_path)
    for chain in bench.chains.values():
        chain.head.state.batch_max = 10
    bench.run(70)
    assert all_executed(bench)
    assert calls(bench, "two")["resolve_dependency"] == 0
    assert calls(bench, "two")["execute_batch"] == MANY // 10


@pytest.mark.parametrize("point", CRASH_POINTS)
@pytest.mark.parametrize("occasion", [1, 2, 4])
@pytest.mark.parametrize("kind", [FakeChain, BatchingChain])
def test_a_crash_converges(point: str, occasion: int, kind: type[FakeChain], tmp_path: Path) -> None:
    """Between a batch's sending and its receipt, too: each takes effect once."""
    bench = bench_of(tmp_path, kind=kind)
    die_at(bench, point, occasion, seconds=100)
    assert all_executed(bench)


@pytest.mark.parametrize("requeue", [True, False])
@pytest.mark.parametrize("after", ["resolve_batch", "execute_batch"])
def test_a_reorg_takes_a_batch_along(tmp_path: Path, after: str, requeue: bool) -> None:
    """Its intent is open again, whole, and sent again with the same bytes."""
    bench = bench_of(tmp_path)
    two = bench.chains["two"]
    bench.run(60, until=lambda: calls(bench, "two")[after] == 1)
    bench.run(2)
    two.reorg(1, requeue=requeue)
    bench.run(90)
    assert all_executed(bench)
    assert len(set(two.sent)) == 2


def test_a_batch_lost_with_its_answer_is_sent_again(tmp_path: Path) -> None:
    """Several transactions in one request whose answer never came: none of them is taken for one that never arrived."""
    bench = bench_of(tmp_path, abi=ABI, kind=BatchingChain)
    two = bench.chains["two"]
    assert isinstance(two, BatchingChain)
    two.lose_batches = 2
    bench.run(90)
    assert all_executed(bench)
    assert calls(bench, "two") == {"resolve_dependency": MANY, "mark_executed": MANY}


def test_a_node_that_takes_no_batches_is_asked_one_by_one(tmp_path: Path) -> None:
    """It is asked once whether it does."""
    bench = bench_of(tmp_path, kind=BatchingChain)
    for chain in bench.chains.values():
        assert isinstance(chain, BatchingChain)
        chain.takes_batches = False
    bench.run(70)
    assert all_executed(bench)
    assert [chain.requests for chain in bench.chains.values() if isinstance(chain, BatchingChain)] == [1, 1, 0]


def test_a_batch_that_does_not_fit_into_a_smaller_block_is_taken_back(tmp_path: Path) -> None:
    """Its nonce is freed, and the calls go out by themselves when they fit."""
    bench = bench_of(tmp_path)
    two = bench.chains["two"]
    bench.run(40, until=lambda: calls(bench, "two")["resolve_batch"] == 1)
    (gas,) = {tx.gas for tx in two.pool.values()}
    two.block_gas_limit = gas - 1
    bench.run(90)
    assert all_executed(bench)


def test_the_store_has_all_ids_of_a_batch(tmp_path: Path) -> None:
    """And the next life reads them."""
    bench = bench_of(tmp_path)
    bench.run(40, until=lambda: calls(bench, "two")["resolve_batch"] == 1)
    intent = next(intent for intent in bench.store().intents() if intent.kind == "resolve")
    assert sorted(intent.tx_ids) == [tx_id(number) for number in range(1, MANY + 1)]
    assert SEPARATOR not in intent.tx_id


@pytest.mark.parametrize(
    ("change", "kinds"),
    [
        ({}, {"mirror", "resolve", "execute"}),
        ({"resolve_batch": [{"name": "tx_ids", "type": "bytes32[4]"}]}, {"mirror", "execute"}),
        ({"execute_batch": [{"name": "ids", "type": "bytes32[]"}, {"name": "n", "type": "uint256"}]},
         {"mirror", "resolve"}),
        ({"buffer_batch": [{"name": "requests", "type": "tuple[]", "components":
                            [ABI[0]["inputs"][place] for place in (0, 2, 1, 3, 4, 5)]}]}, {"resolve", "execute"}),
    ],
)  # fmt: skip
def test_entry_points_of_another_form_are_not_used(change: dict[str, Any], kinds: set[str]) -> None:
    """A list of what the single function takes, in its order, and nothing else."""
    abi = [entry | {"inputs": change.get(entry["name"], entry["inputs"])} for entry in BATCH_ABI]
    assert set(Batches(Codec(abi)).points) == kinds
