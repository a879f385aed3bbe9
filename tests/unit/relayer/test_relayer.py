"""The whole relayer against fake chains: what must happen, what must never, and that it is cheap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.model.chain.finality import Finality
from lab.rpc import RpcRefused, RpcTimeout

from .bench import PAYLOAD, ROLLUPS, Bench, tx_id
from .fakes import ABI, GENESIS, ZERO_ID


def test_a_root_is_resolved_in_the_first_block_that_allows_it_and_executed(tmp_path: Path) -> None:
    """A root becomes READY in the block whose timestamp reaches its own, and EXECUTED after."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=20)
    bench.run(20)
    assert bench.state("two", 1) == "READY"
    assert bench.chains["two"].head.timestamp == GENESIS + 20
    bench.run(4)
    assert bench.state("two", 1) == "EXECUTED"
    assert len(bench.chains["two"].sent) == 2


def test_a_child_across_chains_gets_a_mirror_and_all_end_executed(tmp_path: Path) -> None:
    """Parent on one, child on two: the mirror has the parent's origin and payload and is never executed."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=12)
    bench.buffer("two", 2, at=16, after=1)
    bench.run(60)
    assert bench.state("one", 1) == bench.state("two", 2) == "EXECUTED"
    mirror = bench.chains["two"].head.state.stored[tx_id(1)]
    assert (mirror.origin, mirror.target, mirror.payload) == (ROLLUPS["one"], ROLLUPS["two"], PAYLOAD)
    assert (mirror.dependency, mirror.state) == (ZERO_ID, "READY")
    assert bench.relayer is not None
    assert bench.relayer.idle()
    assert len(bench.chains["two"].sent) == 4  # mirror, resolve it, resolve the child, execute the child


def test_a_chain_that_mines_no_empty_blocks_carries_parents_and_children(tmp_path: Path) -> None:
    """A chain whose head stands still while idle is judged by the clock."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 1, at=10)
    bench.buffer("two", 2, at=14, after=1)
    bench.buffer("lazy", 3, at=30, after=2)
    bench.run(80)
    assert bench.state("lazy", 1) == bench.state("two", 2) == bench.state("lazy", 3) == "EXECUTED"


def test_a_child_is_ready_within_three_blocks_of_its_parents_finality(tmp_path: Path) -> None:
    """The bound of liveness: parent final, then three blocks and one poll."""
    bench = Bench(tmp_path, finality={"two": Finality(blocks=2)})
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=12, after=1)
    bench.run(100, until=lambda: bench.state("two", 1) == "READY")
    final_at = bench.clock.ms // 1000 + 4
    bench.run(100, until=lambda: bench.state("one", 2) == "READY")
    assert bench.chains["one"].head.timestamp - GENESIS <= final_at + 3 * 6 + 2


def looked(bench: Bench, poll_ms: int) -> int | None:
    """When the relayer looks before that poll; it must be at `lazy`, the only one with blocks faster than polls."""
    assert bench.relayer is not None
    soon = bench.relayer.sooner(poll_ms)
    assert soon is None or soon.chains == {"lazy"}
    return soon.at_ms if soon is not None else None


def test_where_blocks_come_faster_than_polls_it_looks_sooner(tmp_path: Path) -> None:
    """When a transaction's time comes, and when what it sent can have been mined; at rest with the poll."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 1, at=5)
    bench.run(4)
    assert looked(bench, 6_000) == 5_000
    bench.run(2)
    assert bench.chains["lazy"].sent
    assert looked(bench, 8_000) == 7_000
    assert looked(bench, 7_000) is None
    bench.run(6)
    assert bench.state("lazy", 1) == "EXECUTED"
    assert looked(bench, 14_000) is None


def test_between_two_polls_what_has_to_follow_is_sent(tmp_path: Path) -> None:
    """There alone: a chain with slower blocks is not asked."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 1, at=5)
    bench.buffer("two", 2, at=6)
    bench.run(6)
    bench.chains["lazy"].mine(GENESIS + 7)
    bench.clock.ms = 7_000
    asked = bench.chains["two"].calls.total()
    assert bench.relayer is not None
    bench.relayer.look(frozenset({"lazy"}))
    assert len(bench.chains["lazy"].sent) == 2
    assert bench.chains["two"].calls.total() == asked
    assert looked(bench, 9_000) == 8_000


def test_what_no_node_took_waits_for_the_poll(tmp_path: Path) -> None:
    """Else it would be sent again a block's time later, as often as it is lost."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 1, at=5)
    bench.chains["lazy"].lose_requests = 10
    bench.run(6)
    assert bench.chains["lazy"].calls["eth_sendRawTransaction"] == 1
    assert looked(bench, 8_000) is None
    assert bench.relayer is not None
    bench.relayer.look(frozenset({"lazy"}))
    assert bench.chains["lazy"].calls["eth_sendRawTransaction"] == 1


def test_nothing_is_mirrored_before_the_parent_is_final(tmp_path: Path) -> None:
    """Twenty blocks of finality on the parent's chain: no mirror until then, and the child expires first."""
    bench = Bench(tmp_path, finality={"two": Finality(blocks=20)})
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=40, after=1)
    bench.run(48)
    assert bench.state("two", 1) == "EXECUTED"
    assert bench.state("one", 1) == "EMPTY"
    bench.run(10)
    assert bench.state("one", 1) != "EMPTY"


@pytest.mark.parametrize("policy", [Finality(blocks=3), Finality(seconds=6), Finality(tag="finalized")])
def test_each_finality_policy_holds_the_mirror_back(tmp_path: Path, policy: Finality) -> None:
    """By depth, by age and by tag (three blocks each): READY at 10 s, final from 16 s on."""
    bench = Bench(tmp_path, finality={"two": policy})
    bench.chains["two"].finalized_depth = 3
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=20, after=1)
    bench.run(14)
    assert bench.state("two", 1) != "BUFFERED"
    assert not bench.chains["one"].sent
    bench.run(4)
    assert bench.chains["one"].sent


def test_strict_order_executes_a_child_only_after_its_executed_parent_is_final(tmp_path: Path) -> None:
    """Execution order "executed": the parent's EXECUTED, not its READY, must be final before the mirror."""
    bench = Bench(tmp_path, execution_order="executed", finality={"two": Finality(blocks=4)})
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=30, after=1)
    bench.run(100, until=lambda: bench.state("two", 1) == "EXECUTED")
    executed_at = bench.clock.ms // 1000
    bench.run(100, until=lambda: bool(bench.chains["one"].sent))
    assert bench.clock.ms // 1000 >= executed_at + 8
    bench.run(40)
    assert bench.state("one", 2) == "EXECUTED"


def test_a_parent_on_the_same_chain_needs_no_mirror(tmp_path: Path) -> None:
    """Parent and child on one chain: two resolves, two executions, nothing else."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("two", 2, at=14, after=1)
    bench.run(40)
    assert bench.state("two", 1) == bench.state("two", 2) == "EXECUTED"
    assert len(bench.chains["two"].sent) == 4
    assert not bench.chains["one"].sent


def test_a_forged_mirror_is_never_resolved_and_its_child_never_ready(tmp_path: Path) -> None:
    """A Buffered with a foreign origin and no parent behind it is the attack: leave it and its child alone."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10, origin=ROLLUPS["one"])
    bench.buffer("two", 2, at=12, after=1)
    bench.run(80)
    assert bench.state("two", 1) == "BUFFERED"
    assert bench.state("two", 2) == "EXPIRED"


def test_a_child_made_ready_by_a_forged_mirror_is_not_executed(tmp_path: Path) -> None:
    """Even when another operator resolves the forgery and the child, the relayer does not execute it."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=4, origin=ROLLUPS["one"])
    bench.buffer("two", 2, at=4, after=1)
    bench.run(2)
    bench.run(2)
    bench.chains["two"].operate("resolve_dependency", tx_id(1))
    bench.chains["two"].operate("resolve_dependency", tx_id(2))
    bench.run(60)
    assert bench.state("two", 2) == "READY"
    assert not bench.chains["two"].sent
    assert bench.relayer is not None
    assert bench.relayer.idle()


def test_a_mirror_with_another_payload_is_not_relied_upon(tmp_path: Path) -> None:
    """A mirror that is there already must carry the parent's payload."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=12)
    bench.chains["two"].operate(
        "buffer_transaction", tx_id(1), ROLLUPS["one"], ROLLUPS["two"], "0xbad0", ZERO_ID, GENESIS + 14
    )
    bench.buffer("two", 2, at=14, after=1)
    bench.run(80)
    assert bench.state("one", 1) == "EXECUTED"
    assert (bench.state("two", 1), bench.state("two", 2)) == ("BUFFERED", "EXPIRED")


def test_a_fitting_mirror_made_by_another_is_used(tmp_path: Path) -> None:
    """Somebody else mirrored already: no second mirror, the rest as usual."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=12)
    bench.chains["two"].operate(
        "buffer_transaction", tx_id(1), ROLLUPS["one"], ROLLUPS["two"], PAYLOAD, ZERO_ID, GENESIS + 14
    )
    bench.buffer("two", 2, at=14, after=1)
    bench.run(60)
    assert bench.state("two", 2) == "EXECUTED"
    assert len(bench.chains["two"].sent) == 3


def test_a_parent_lost_in_a_reorg_before_its_mirror_leaves_no_mirror(tmp_path: Path) -> None:
    """The parent's Buffered is orphaned before it was final: no mirror, and the child expires."""
    bench = Bench(tmp_path, finality={"two": Finality(blocks=4)})
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=30, after=1)
    bench.run(14)
    assert bench.state("two", 1) == "EXECUTED"
    bench.chains["two"].reorg(7)
    assert bench.state("two", 1) == "EMPTY"
    bench.run(80)
    assert (bench.state("one", 1), bench.state("one", 2)) == ("EMPTY", "EXPIRED")


def test_a_parent_lost_between_the_scan_and_the_decision_is_noticed(tmp_path: Path) -> None:
    """Its chain reorganises while the next chain is scanned: what rests on it is checked again before sending."""
    bench = Bench(tmp_path)
    one, two = bench.chains["one"], bench.chains["two"]
    bench.buffer("one", 1, at=12)
    bench.buffer("two", 2, at=24, after=1)
    bench.run(16)
    assert bench.state("one", 1) == "READY"
    assert not two.sent
    bench.run(1)
    one.mine(GENESIS + 18)  # this makes the parent final

    def orphan(method: str, params: list[object]) -> None:
        two.before_call = None
        one.reorg(one.head.number)

    two.before_call = orphan
    bench.run(1)
    assert two.before_call is None
    assert bench.state("one", 1) == "EMPTY"
    assert not two.sent


def test_a_child_is_not_sent_ahead_of_a_mirror_that_was_refused(tmp_path: Path) -> None:
    """The node refuses the mirror's resolve: the child's, wanted in the same poll, waits with it."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=12)
    bench.buffer("two", 2, at=30, after=1)
    bench.run(26)
    two = bench.chains["two"]
    assert bench.state("two", 1) == "BUFFERED"
    assert len(two.sent) == 1

    def refuse(method: str, params: list[object]) -> None:
        if method == "eth_estimateGas" and tx_id(1)[2:] in str(params):
            raise RpcRefused(method, 3, "execution reverted: not today")

    two.before_call = refuse
    bench.run(6)
    assert len(two.sent) == 1
    two.before_call = None
    bench.run(24)
    assert bench.state("two", 2) == "EXECUTED"


def test_a_parent_lost_after_its_mirror_leaves_its_child_unexecuted(tmp_path: Path) -> None:
    """Deeper than finality: the mirror is there, the parent is gone, and neither mirror nor child goes on."""
    bench = Bench(tmp_path, finality={"two": Finality(blocks=1)})
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=30, after=1)
    bench.run(60, until=lambda: bench.state("one", 1) == "BUFFERED")
    bench.chains["two"].reorg(bench.chains["two"].head.number)
    assert bench.state("two", 1) == "EMPTY"
    bench.run(80)
    assert bench.state("one", 1) == "BUFFERED"
    assert bench.state("one", 2) == "EXPIRED"


def test_a_child_ready_before_its_parent_was_lost_is_not_executed(tmp_path: Path) -> None:
    """The parent's chain reorganises between the child's READY and its execution."""
    bench = Bench(tmp_path)
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=24, after=1)
    bench.run(60, until=lambda: any(n["event"] == "seen" and n["state"] == "READY" and n["tx_id"] == tx_id(2)
                                    for n in bench.notes) or bench.clock.ms == 22_000)  # fmt: skip
    bench.run(1)
    assert bench.state("one", 2) == "BUFFERED"
    bench.chains["one"].mine(GENESIS + 24)
    assert bench.state("one", 2) == "READY"
    bench.chains["two"].reorg(bench.chains["two"].head.number)
    bench.run(60)
    assert bench.state("one", 2) == "READY"


def test_transactions_dropped_by_a_reorg_are_sent_again_and_requeued_ones_are_not(tmp_path: Path) -> None:
    """A resolve and execution lost in a reorg come back with the very same bytes."""
    for requeue in (False, True):
        bench = Bench(tmp_path / str(requeue))
        bench.buffer("two", 1, at=10)
        bench.run(20)
        assert bench.state("two", 1) == "EXECUTED"
        chain = bench.chains["two"]
        sent = list(chain.sent)
        chain.base_fee += chain.base_fee // 5  # a new intent would offer something else
        chain.reorg(6, requeue=requeue)
        assert bench.state("two", 1) == "BUFFERED"
        bench.run(20)
        assert bench.state("two", 1) == "EXECUTED"
        assert set(chain.sent) == set(sent)
        assert (len(chain.sent) > len(sent)) is not requeue


def test_an_expired_transaction_is_ended_by_exactly_one_call(tmp_path: Path) -> None:
    """A child whose parent never comes gets one expire_transaction and nothing else."""
    bench = Bench(tmp_path)
    bench.buffer("two", 2, at=10, after=1)
    bench.run(120)
    assert bench.state("two", 2) == "EXPIRED"
    assert len(bench.chains["two"].sent) == 1
    assert bench.relayer is not None
    assert bench.relayer.idle()


def test_an_expiry_on_a_chain_that_stands_still_is_recorded(tmp_path: Path) -> None:
    """The head's time lies before the window's end, and the node says so; the block that holds the call is later."""
    bench = Bench(tmp_path)
    bench.buffer("lazy", 2, at=10, after=1)
    bench.run(60)
    assert bench.state("lazy", 2) == "EXPIRED"
    assert len(bench.chains["lazy"].sent) == 1


def test_a_parent_executed_by_another_counts(tmp_path: Path) -> None:
    """mark_executed emits nothing: the relayer learns it from storage and goes on with the child."""
    bench = Bench(tmp_path, execution_order="executed")
    bench.buffer("two", 1, at=10)
    bench.buffer("one", 2, at=30, after=1)
    bench.run(10)
    bench.chains["two"].operate("mark_executed", tx_id(1))
    bench.run(60)
    assert bench.state("one", 2) == "EXECUTED"
    assert bench.chains["two"].head.state.executions == [tx_id(1)]


def test_without_an_expire_function_an_expired_transaction_costs_nothing(tmp_path: Path) -> None:
    """The documented interface has no end state: the relayer gives up silently."""
    abi = [entry for entry in ABI if entry["name"] != "expire_transaction"]
    bench = Bench(tmp_path, abi=abi)
    bench.buffer("two", 2, at=10, after=1)
    bench.run(120)
    assert not bench.chains["two"].sent
    assert bench.relayer is not None
    assert bench.relayer.idle()


def test_a_paused_contract_is_left_alone_and_taken_up_again(tmp_path: Path) -> None:
    """While paused nothing is sent and one call tried a poll; after the lifting everything goes on."""
    bench = Bench(tmp_path)
    for number in (1, 2, 3):
        bench.buffer("two", number, at=20)
    bench.chains["two"].operate("pause")
    bench.run(34)
    assert not bench.chains["two"].sent
    assert bench.chains["two"].calls["eth_estimateGas"] <= (34 - 20) // 2 + 2
    bench.chains["two"].operate("unpause")
    bench.run(8)
    assert bench.state("two", 1) == "EXECUTED"


@pytest.mark.parametrize("silent", [("EmergencyStopLifted", "OperatorAdded"), ()])
def test_a_stop_that_is_lifted_without_a_word_is_noticed_soon(tmp_path: Path, silent: tuple[str, ...]) -> None:
    """The contract has no such events, or the node lost the one: the poll after the lifting goes on."""
    bench = Bench(tmp_path, abi=[entry for entry in ABI if entry["name"] not in silent])
    bench.buffer("two", 1, at=20)
    bench.chains["two"].operate("pause")
    bench.run(38)
    assert not bench.chains["two"].sent
    bench.chains["two"].head.state.paused = False
    bench.run(8)
    assert bench.state("two", 1) == "EXECUTED"


def test_a_window_that_is_widened_is_noticed(tmp_path: Path) -> None:
    """The window in force counts, not the one at start."""
    bench = Bench(tmp_path)
    bench.buffer("two", 2, at=10, after=1)
    bench.chains["two"].operate("set_coordination_window", 100)
    bench.run(60)
    assert bench.state("two", 2) == "BUFFERED"
    bench.run(60)
    assert bench.state("two", 2) == "EXPIRED"


def test_a_chain_that_is_down_leaves_the_others_going(tmp_path: Path) -> None:
    """Flows between the other chains end as ever; the one with the dead chain goes on when it is back."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=40)
    bench.buffer("lazy", 3, at=12)
    bench.buffer("two", 4, at=16, after=3)
    bench.run(8)
    bench.chains["one"].down = True
    bench.run(32)
    assert bench.state("lazy", 3) == bench.state("two", 4) == "EXECUTED"
    bench.chains["one"].down = False
    bench.run(40)
    assert bench.state("one", 1) == "EXECUTED"


def test_an_idle_poll_asks_one_question_a_chain(tmp_path: Path) -> None:
    """Unchanged head, or one new block without transactions: one call; several: four."""
    bench = Bench(tmp_path)
    bench.run(30)
    assert bench.relayer is not None
    chain = bench.chains["two"]
    for blocks, expected in ((0, 1), (1, 1), (5, 4)):
        for _ in range(blocks):
            chain.mine()
        chain.calls.clear()
        bench.relayer.step()
        assert sum(chain.calls.values()) == expected
    chain.calls.clear()


def test_the_same_world_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """No wall time, no randomness: two runs send the same transactions in the same order."""
    runs = []
    for name in ("a", "b"):
        bench = Bench(tmp_path / name)
        bench.buffer("one", 1, at=12)
        bench.buffer("two", 2, at=16, after=1)
        bench.buffer("lazy", 3, at=30, after=2)
        bench.run(80)
        runs.append({chain: list(fake.sent) for chain, fake in bench.chains.items()})
    assert runs[0] == runs[1]
    assert all(runs[0].values())


def test_at_rest_the_checkpoint_is_final_and_the_store_equals_the_chains(tmp_path: Path) -> None:
    """After close, every stored end state is the chain's, and the checkpoint is at most the final head."""
    bench = Bench(tmp_path)
    bench.buffer("one", 1, at=12)
    bench.buffer("two", 2, at=16, after=1)
    bench.run(60)
    assert bench.relayer is not None
    bench.relayer.close()
    store = bench.store()
    for entry in store.entries():
        state = entry.end_state or ("READY" if entry.ready else "BUFFERED")
        assert state == bench.chains[entry.chain].state_of(entry.tx_id)
    checkpoint = store.checkpoint("one")
    assert checkpoint is not None
    assert 0 < checkpoint[0] <= bench.chains["one"].head.number - 1
    assert bench.chains["one"].blocks[checkpoint[0]].hash == checkpoint[1]


def test_a_chain_that_gives_no_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    """The first look at it waits as long as a request may, those after it a short time, when the others are served."""
    bench = Bench(tmp_path)
    hung, waited, order = bench.chains["one"], list[float | None](), list[str]()

    def silence(method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        order.append("one")
        waited.append(timeout_s)
        raise RpcTimeout(method, timeout_s or 5)

    answers, hung.call = hung.call, silence  # type: ignore[method-assign]
    for name in ("two", "lazy"):
        chain = bench.chains[name]
        answer = chain.call
        chain.call = lambda *args, name=name, answer=answer: order.append(name) or answer(*args)  # type: ignore[method-assign, func-returns-value]
    bench.buffer("two", 1, at=6)
    bench.run(14)
    assert bench.state("two", 1) == "EXECUTED"
    assert waited == [None, 1.0, 1.0, 1.0, None, 1.0, 1.0]
    assert order.index("one") < order.index("lazy"), "the first time it has its turn"
    assert order[-1] == "one"
    hung.call = answers  # type: ignore[method-assign]
    bench.buffer("one", 2, at=18)
    bench.run(16)
    assert bench.state("one", 2) == "EXECUTED"
