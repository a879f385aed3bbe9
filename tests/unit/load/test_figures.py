"""Figures from hand-made blocks: throughput, latency with its bound, drift, outages; and statistics."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from lab.load.analyse.figures import ChainRun, chain_figures, outage, throughput
from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.resources import resources
from lab.load.analyse.series import series
from lab.load.analyse.statistics import Summary, percentile_interval
from lab.load.drive.observer import SeenBlock, parse_block, read_blocks
from lab.load.record.samples import Sample
from lab.traffic.attempts import Attempt, Outcome
from lab.traffic.book import Book, pieces
from lab.traffic.hashes import column
from lab.traffic.ledger import Ledger

START = 1000.0


def block(number: int, seen_s: float, hashes: list[bytes], gas_each: int = 100) -> SeenBlock:
    gas = gas_each * len(hashes)
    return SeenBlock(number, f"0x{number:064x}", int(START), gas, 10_000, 10**9, START + seen_s, 0.02, b"".join(hashes))


def run_of(count: int, per_second: int, seconds: int) -> ChainRun:
    """`per_second` transactions intended evenly, each mined at the end of its second, plus 10 ms."""
    hashes = [n.to_bytes(32, "big") for n in range(1, count + 1)]
    due_us = [n * 1_000_000 // per_second for n in range(count)]
    book = Book().read(
        pieces(Attempt(0, Outcome.ACCEPTED, 0, 0, n, us, us + 4000, us + 9000) for n, us in enumerate(due_us))
    )
    book.sign(0, 0, 0, column(hashes))
    blocks = [block(s, s + 1.01, hashes[s * per_second : (s + 1) * per_second]) for s in range(seconds)]
    ledger = Ledger("capacity", sent=count, succeeded=count)
    onchain = OnchainResult(blocks, bytearray([1] * per_second * seconds))
    return ChainRun.of("capacity", 1000, ledger, onchain, book.of_legs({0}))


def test_a_system_that_keeps_up_carries_what_is_offered() -> None:
    """The last transaction waits for its block in any case: that second is not held against the rate."""
    run = run_of(1000, 100, 10)
    found = throughput(1000, 10.0, START, run.onchain.blocks, 1.0)
    assert found.tps == pytest.approx(100, rel=0.002)
    assert found.low_tps <= found.tps <= found.high_tps


def test_a_backlog_counts_as_time() -> None:
    """A thousand in ten seconds, but mined over twenty: fifty a second."""
    hashes = [n.to_bytes(32, "big") for n in range(1000)]
    late = [block(s, s + 1.0, hashes[s * 50 : (s + 1) * 50]) for s in range(20)]
    found = throughput(1000, 10.0, START, late, 1.0)
    assert found.tps == pytest.approx(1000 / 19, rel=0.01)
    assert found.behind_s == pytest.approx(9.0)
    assert throughput(0, 10.0, START, [], 1.0).tps == 0


def test_one_chains_figures() -> None:
    """Latency runs from the intended time to the observed block; gas is the mean of whole blocks."""
    figures = chain_figures(run_of(1000, 100, 10), START, 10.0)
    assert figures.inclusion_ms.max == pytest.approx(1010)
    assert figures.inclusion_ms.min == pytest.approx(20, abs=1)
    assert figures.inclusion_ms.bound_ms.max == pytest.approx(20)
    assert (figures.lateness_ms.p99, figures.acceptance_ms.p50) == (4, 9)
    assert (figures.gas.transactions, figures.gas.per_transaction) == (1000, 100.0)
    assert figures.drift.gas_share == 0


def test_a_block_that_nobody_saw_has_no_time() -> None:
    """It counts as mined and gives no latency."""
    run = run_of(200, 100, 2)
    unseen = run.onchain.blocks[0]
    run.onchain.blocks[0] = dataclasses.replace(unseen, bound_s=float("inf"))
    assert chain_figures(run, START, 2.0).inclusion_ms.n == 100


def test_what_an_outage_cost() -> None:
    """Arrivals due in it, those dropped, and the slowest of the rest."""
    run = run_of(1000, 100, 10)
    book = Book().read(pieces([Attempt(0, Outcome.DROPPED, 0, 0, 0, 5_500_000, 0, 0)]))
    found = outage(run, book, START, START + 5, START + 6)
    assert (found.dropped, found.seconds, found.at_s) == (1, 1.0, 5.0)
    assert found.inclusion_ms_max == pytest.approx(1010)


def test_blocks_survive_their_file(tmp_path: Path) -> None:
    """A line each; one that was cut off is left out."""
    told = {
        "number": "0x5",
        "hash": "0xab",
        "timestamp": "0x10",
        "gasUsed": "0x64",
        "gasLimit": "0x3e8",
        "baseFeePerGas": "0x7",
        "transactions": ["0x" + "01" * 32, {"hash": "0x" + "02" * 32}],
    }
    found = parse_block(told, 12.34567, 0.01)
    path = tmp_path / "blocks.jsonl"
    path.write_text(found.to_json() + "\n" + found.to_json()[:20], encoding="utf-8")
    assert read_blocks(path) == [found]
    assert (found.number, found.texts(), found.seen_at) == (5, ("0x" + "01" * 32, "0x" + "02" * 32), 12.3457)
    with pytest.raises(ValueError, match="expected hashes of 32 bytes, got one of 1"):
        parse_block(told | {"transactions": ["0x01"]}, 12.34567, 0.01)


def test_resources_count_rises_only() -> None:
    """A node that restarts begins at zero again; uptime is the share of samples with an answer."""
    rows = [(0, 5.0, True), (1, 6.0, True), (2, None, False), (3, 0.5, True), (4, 1.5, True)]
    samples = [
        {
            "at": START + at,
            "host_cpu_percent": 50.0,
            "load_average": 1.0,
            "processes": {},
            "chains": {"a": {"answers": up, "cpu_s": cpu, "rss": 100 + at}},
        }
        for at, cpu, up in rows
    ]
    found = resources([Sample.model_validate(line) for line in samples], START, START + 10).chains["a"]
    assert (found.cpu_seconds, found.uptime_share) == (2.0, 0.8)
    assert (found.rss_bytes_first, found.rss_bytes_max) == (100, 104)


def test_the_run_second_by_second() -> None:
    """What was due, mined and successful in each, and how long it took."""
    (rows,) = series([run_of(200, 100, 2)], Book(), START).values()
    assert [(row.t, row.offered, row.mined, row.succeeded) for row in rows] == [
        (0, 100, 0, 0), (1, 100, 100, 100), (2, 0, 100, 100),
    ]  # fmt: skip
    assert rows[0].inclusion_p99 == pytest.approx(1000, abs=20)
    assert rows[2].to_json() == {
        "t": 2,
        "offered": 0,
        "mined": 100,
        "succeeded": 100,
        "gas_share": 1.0,
        "base_fee_gwei": 1,
    }


def test_statistics() -> None:
    """A distribution-free interval; a summary of nothing is its count."""
    low, high = percentile_interval([float(n) for n in range(1, 101)], 50)
    assert 35 < low < 50 < high < 65
    assert Summary.of([]).to_json() == {"n": 0}
    assert Summary.of([1.0, 3.0]).mean == 2
