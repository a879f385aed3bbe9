"""The figures of a run, from the same hand-written stories that the checks are tested on."""

from __future__ import annotations

import json

import pytest

from lab.metrics import summarise
from lab.metrics.distribution import distribution
from lab.metrics.gas import cost, gas_by_function, tokens
from lab.metrics.latency import leg_times
from lab.metrics.throughput import throughput
from lab.model.history import History
from lab.model.records import RECORD

from ..checks.calls import buffer, execute, resolve
from ..checks.histories import Story, leg
from ..checks.swap import begin, finish, settle, swap

A = leg("flow.a", "two", 20, id=7)
B = leg("flow.b", "two", 20, id=8)


def test_latency_runs_from_inclusion_to_inclusion() -> None:
    """pay: 12 s, 36 s, 48 s. settle: 2 s, 66 s, 68 s; its parent was READY at 36 s on the other chain."""
    first, second = leg_times(swap())
    assert (first.buffered_ms, first.ready_ms, first.executed_ms, first.cross_chain_ms) == (
        12_000,
        36_000,
        48_000,
        None,
    )
    assert (second.to_ready_ms, second.to_executed_ms, second.cross_chain_ms) == (64_000, 66_000, 32_000)


def test_a_mirrors_ready_is_not_its_parents() -> None:
    """The parent's READY counts on its own chain only."""
    story = begin()
    settle(story)
    assert leg_times(finish(story, pay="BUFFERED"))[1].cross_chain_ms is None


def test_what_never_happened_has_no_time() -> None:
    """Buffered and nothing else."""
    times = leg_times(finish(begin(), pay="BUFFERED", settle="BUFFERED"))[1]
    assert (times.buffered_ms, times.ready_ms, times.to_ready_ms, times.cross_chain_ms) == (2_000, None, None, None)


def test_a_reverted_execution_is_none_and_an_orphaned_one_too() -> None:
    """Only canonical successes have a time."""
    story = Story(A)
    story.mine("two", 10, story.tx("two", "operator", buffer(A)))
    story.mine("two", 20, story.tx("two", "operator", execute(A.tx_id, revert="Transaction not ready")))
    story.mine("two", 22, story.tx("two", "operator", execute(A.tx_id)))
    story.reorg(22, "two", 10)
    assert leg_times(story.history())[0].executed_ms is None


def test_within_one_chain_nothing_is_cross_chain() -> None:
    """Parent and child on chain two."""
    child = B.model_copy(update={"after": A.name})
    story = Story(A, child)
    made = [buffer(A), buffer(child, dependency=A.tx_id), resolve(A.tx_id), resolve(B.tx_id), execute(B.tx_id)]
    story.mine("two", 20, story.tx("two", "operator", *made))
    assert leg_times(story.history())[1].cross_chain_ms is None


def test_a_distribution_tells_count_extremes_mean_and_percentiles() -> None:
    """And only its count where there is nothing."""
    assert distribution([3, 1, 2, 2]) == {
        "count": 4,
        "min": 1,
        "mean": 2.0,
        "max": 3,
        "p50": 2,
        "p90": 3,
        "p95": 3,
        "p99": 3,
    }
    assert distribution([]) == {"count": 0}


def test_gas_is_booked_per_function() -> None:
    """Single calls, batches per call, and reverts apart; mixtures and foreign transactions nowhere."""
    story = Story(A, B)
    txs = [
        story.tx("two", "operator", buffer(A), gas_used=100),
        story.tx("two", "operator", buffer(B), gas_used=201),
        story.tx("two", "operator", buffer(A), buffer(B), gas_used=150),
        story.tx("two", "operator", buffer(A, revert="Transaction already exists"), gas_used=30),
        story.tx("two", "operator", resolve(A.tx_id), execute(A.tx_id), gas_used=99),
        story.tx("two", "user", to="0x01", gas_used=21_000),
    ]
    story.mine("two", 20, *txs)
    assert gas_by_function(story.history(), "two") == {
        "buffer_transaction": {"count": 2, "min": 100, "mean": 150.5, "max": 201},
        "buffer_transaction (batched, per call)": {"count": 1, "min": 75, "mean": 75.0, "max": 75},
        "buffer_transaction (reverted)": {"count": 1, "min": 30, "mean": 30.0, "max": 30},
    }


def test_cost_is_gas_times_price_of_every_canonical_transaction() -> None:
    """Reverted ones pay, orphaned ones do not; senders by role."""
    story = Story(A, B)
    story.mine("two", 20, story.tx("two", "operator", buffer(A), gas_used=10**9, gas_price=3 * 10**9))
    story.mine("two", 22, story.tx("two", "relayer", buffer(A, revert="exists"), gas_used=1, gas_price=1))
    story.mine("two", 24, story.tx("two", "0x01", buffer(B), gas_used=1, gas_price=4))
    story.mine("two", 26, story.tx("two", "operator", buffer(B), gas_used=1, gas_price=100))
    story.reorg(26, "two", 12)
    assert cost(story.history(), "two") == {
        "wei": "3000000000000000005",
        "native": "3.000000000000000005",
        "native_by_role": {"operator": "3", "other": "0.000000000000000004", "relayer": "0.000000000000000001"},
    }


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0"),
        (1, "0.000000000000000001"),
        (10**21, "1000"),
        (123456789012345678901234567890, "123456789012.34567890123456789"),
    ],
)
def test_tokens_are_exact(wei: int, text: str) -> None:
    """No exponent and no rounding, also beyond 28 digits."""
    assert tokens(wei) == text


def test_throughput_counts_canonical_transactions_over_the_run() -> None:
    """Four on chain two in swap, one of them with two calls, over 100 s."""
    figures = throughput(swap(), "two")
    assert (figures["transactions"], figures["successes"], figures["reverts"]) == (4, 4, 0)
    assert figures["transactions_per_s"] == 0.04
    assert figures["coordinator_calls"] == 5


def test_throughput_tells_reverts_and_orphans() -> None:
    """One success, one revert, one lost."""
    story = Story(A)
    story.mine(
        "two", 10, story.tx("two", "operator", buffer(A)), story.tx("two", "operator", buffer(A, revert="exists"))
    )
    story.mine("two", 12, story.tx("two", "operator", buffer(B)))
    story.reorg(12, "two", 5)
    figures = throughput(story.history(), "two")
    assert [figures[key] for key in ("successes", "reverts", "orphaned", "coordinator_calls")] == [1, 1, 1, 1]


def test_a_run_of_no_time_has_no_rate() -> None:
    """Only the header was written."""
    assert throughput(Story().history(), "one")["transactions_per_s"] is None


def test_the_summary_is_json_and_depends_on_the_history_only() -> None:
    """Read back from its lines the history gives the same bytes."""
    history = swap()
    lines = [record.model_dump_json() for record in sorted(history.records, key=lambda record: record.seq)]
    again = History([RECORD.validate_json(line) for line in lines])
    assert json.dumps(summarise(history)) == json.dumps(summarise(again))
    summary = summarise(history)
    assert summary["latency_ms"]["cross_chain"]["p50"] == 32_000
    assert list(summary["chains"]) == ["one", "two"]
    assert list(summary["legs"]) == ["swap.pay", "swap.settle"]


def test_an_empty_run_has_a_summary() -> None:
    """No figures, no crash."""
    assert summarise(Story().history())["latency_ms"]["buffered_to_ready"] == {"count": 0}
