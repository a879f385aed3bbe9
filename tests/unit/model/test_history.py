"""A history on its own: canonical blocks and orphans, cut runs of empty blocks, heads and finality at a time."""

from __future__ import annotations

from typing import Any

import pytest

from lab.model.chain.facts import ChainFacts
from lab.model.chain.finality import Finality
from lab.model.history import History
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import (
    RECORD,
    AnyRecord,
    Block,
    EmptyBlocks,
    FaultMark,
    FinalRead,
    Header,
    Leg,
    Note,
    Operation,
    Reorg,
    Tx,
)

GENESIS = 1_800_000_000


def header(finality: Finality | None = None, tag_depth: int | None = None) -> Header:
    """Two chains, `a` and `b`, and one leg."""
    chains = {
        name: ChainFacts(
            network=name,
            chain_id=number,
            contract="0xc0",
            rollup=f"0xf{number}",
            finality=finality or Finality(blocks=2),
            tag_depth_blocks=tag_depth,
            block_time_ms=1000,
            mines_empty_blocks=True,
            deploy_block=1,
        )
        for number, name in enumerate(("a", "b"))
    }
    leg = Leg(
        name="f.x", flow="f", chain="a", tx_id="0x01", origin="0xf0", target="0xf1", payload="0x", timestamp=GENESIS
    )
    return Header(
        seq=0,
        t_ms=0,
        scenario="s",
        item="s",
        seed=1,
        clock="virtual",
        genesis_time=GENESIS,
        window_s=30,
        chains=chains,
        roles={},
        operators={},
        legs=(leg,),
        capabilities=(),
        poll_ms=0,
        rpc_budget_ms=0,
        execution_order="ready",
    )


def block(number: int, t_s: int, *, chain: str = "a", mark: str = "", txs: tuple[Tx, ...] = ()) -> Block:
    """A block that appeared at second `t_s`."""
    return Block(
        t_ms=t_s * 1000,
        chain=chain,
        number=number,
        hash=f"0x{number}{mark}",
        parent="0x",
        timestamp=GENESIS + t_s,
        base_fee=1,
        gas_used=0,
        gas_limit=1,
        txs=txs,
    )


def empty(first: int, last: int, t_s: int, *, chain: str = "a") -> EmptyBlocks:
    """A block a second, the first at second `t_s`."""
    return EmptyBlocks(
        t_ms=(t_s + last - first) * 1000,
        chain=chain,
        first=first,
        last=last,
        first_t_ms=t_s * 1000,
        first_timestamp=GENESIS + t_s,
        last_timestamp=GENESIS + t_s + last - first,
        last_hash=f"0xe{last}",
        last_base_fee=1,
    )


def reorg(ancestor: int, depth: int, t_s: int, chain: str = "a") -> Reorg:
    """A reorg that keeps `ancestor`."""
    return Reorg(
        t_ms=t_s * 1000,
        chain=chain,
        depth=depth,
        ancestor=ancestor,
        orphaned_txs=(),
        requeued_txs=(),
        beyond_finality=False,
    )


def tx(name: str) -> Tx:
    """A plain transaction."""
    return Tx(hash=name, sender="0xa0", to="0xc0", nonce=0, status=1, gas_used=1, gas_price=1, index=0)


def history(*records: AnyRecord, first: Header | None = None) -> History:
    """The records, numbered in their order."""
    lines: list[Any] = [first or header(), *records]
    return History(line.model_copy(update={"seq": number}) for number, line in enumerate(lines))


@pytest.mark.parametrize("records", [[], [block(1, 1)], [block(1, 1), header()]])
def test_a_history_starts_with_its_header(records: list[Any]) -> None:
    """Without a header nothing can be judged."""
    with pytest.raises(ValueError, match="header"):
        History(records)


def test_records_are_read_by_time_and_of_one_kind() -> None:
    """Lines come in the order in which they were learnt; readers see them by (t_ms, seq)."""
    notes = [Note(t_ms=t_ms, kind="k", text=text) for t_ms, text in ((5, "later"), (2, "one"), (2, "two"))]
    found = history(*notes)
    assert [note.text for note in found.of(Note)] == ["one", "two", "later"]
    assert found.of(Block) == []


def test_a_reorg_orphans_what_is_above_its_ancestor_on_its_chain_only() -> None:
    """Blocks above are orphans, their replacements canonical, the other chain is untouched."""
    found = history(
        block(1, 1, txs=(tx("kept"),)),
        block(2, 2, txs=(tx("lost"),)),
        block(2, 2, chain="b", txs=(tx("elsewhere"),)),
        reorg(1, 1, 3),
        block(2, 3, mark="n", txs=(tx("new"),)),
    )
    assert [orphan.hash for orphan in found.orphans] == ["0x2"]
    assert [entry.hash for _, entry in found.transactions("a")] == ["kept", "new"]
    assert [entry.hash for _, entry in found.transactions("b")] == ["elsewhere"]
    assert [entry.ancestor for entry in found.reorgs] == [1]


def test_a_second_reorg_orphans_the_replacements_too() -> None:
    """Each reorg cuts what was recorded before it, whatever branch that was."""
    found = history(
        block(1, 1), block(2, 2), reorg(1, 1, 3), block(2, 3, mark="n"), block(3, 4), reorg(1, 2, 5),
        block(2, 5, mark="m"),
    )  # fmt: skip
    assert [entry.hash for entry in found.blocks("a")] == ["0x1", "0x2m"]
    assert [entry.hash for entry in found.orphans] == ["0x2", "0x2n", "0x3"]


def test_a_run_of_empty_blocks_is_cut_at_the_ancestor() -> None:
    """The part below stays, with times between its ends; a run wholly above goes."""
    found = history(empty(1, 9, 1), empty(10, 12, 10), reorg(5, 7, 13))
    (span,) = found.spans("a")
    assert isinstance(span, EmptyBlocks)
    assert (span.first, span.last, span.t_ms, span.last_timestamp) == (1, 5, 5000, GENESIS + 5)
    assert found.orphans == []


def test_a_run_of_one_block_is_cut_whole() -> None:
    """No division by the length of a run of one."""
    assert history(empty(6, 6, 6), reorg(5, 1, 7)).spans("a") == []


@pytest.mark.parametrize(
    ("t_ms", "head"), [(0, -1), (999, -1), (1000, 1), (3500, 3), (9000, 9), (9999, 9), (10_000, 10)]
)
def test_head_at(t_ms: int, head: int) -> None:
    """Exact at the ends of a run, interpolated inside; -1 before the first block."""
    assert history(empty(1, 9, 1), block(10, 10)).head_at("a", t_ms) == head


def test_head_at_counts_orphans() -> None:
    """Whoever looked before the reorg saw the longer chain."""
    found = history(block(1, 1), block(2, 2), block(3, 3), reorg(1, 2, 4))
    assert found.head_at("a", 3000) == 3
    assert found.head_at("b", 3000) == -1


@pytest.mark.parametrize(
    ("finality", "tag_depth", "final_ms"),
    [
        (Finality(blocks=0), None, 3000),
        (Finality(blocks=2), None, 5000),
        (Finality(blocks=5), None, 8000),
        (Finality(blocks=6), None, None),
        (Finality(seconds=2.5), None, 5500),
        (Finality(seconds=60), None, None),
        (Finality(tag="safe"), 4, 7000),
        (Finality(tag="safe"), None, None),
    ],
)
def test_final_since(finality: Finality, tag_depth: int | None, final_ms: int | None) -> None:
    """By blocks, seconds and tag; None where the run ended before."""
    subject = block(3, 3)
    found = history(empty(1, 2, 1), subject, empty(4, 7, 4), block(8, 8), first=header(finality, tag_depth))
    assert found.final_since("a", found.blocks("a")[0]) == final_ms


def test_final_since_ignores_what_a_reorg_had_replaced() -> None:
    """Heights that the chain had reached before the block itself prove nothing for it."""
    found = history(empty(1, 9, 1), reorg(2, 7, 9), block(3, 10), empty(4, 6, 11))
    assert found.final_since("a", found.blocks("a")[0]) == 12_000


def test_end_is_the_end_of_the_last_operation_too() -> None:
    """An operation's line carries its begin as t_ms."""
    operation = Operation(t_ms=1, id="o", actor="user", chain="a", function="f", args={}, end_ms=77, outcome="info")
    assert history(operation, Note(t_ms=50, kind="k", text="")).end_ms == 77


def test_names_are_found() -> None:
    """Legs by name, chains by rollup address, the last final read of a chain."""
    reads = [
        FinalRead(
            t_ms=t_ms, chain="a", number=number, hash="", timestamp=0, transaction_count=None, window_s=None,
            owner=None, paused=None,
        )
        for t_ms, number in ((9, 2), (8, 1))
    ]  # fmt: skip
    found = history(*reads)
    assert found.leg("f.x") == found.header.legs[0]
    assert found.leg("f.y") is None
    assert found.chain_of_rollup("0xf1") == "b"
    assert found.chain_of_rollup("0xff") is None
    last = found.final("a")
    assert last is not None
    assert last.number == 2
    assert found.final("b") is None


def test_every_kind_of_line_reads_back() -> None:
    """The discriminated union knows each record by its type; wide integers survive."""
    wide = Operation(
        t_ms=1, id="o", actor="user", chain="a", function="f", args={"n": 2**256 - 1}, end_ms=2, outcome="ok"
    )
    for record in (header(), block(1, 1, txs=(tx("0x1"),)), empty(1, 3, 1), reorg(1, 1, 2), wide):
        assert RECORD.validate_json(record.model_dump_json()) == record


class Counted(str):
    """A name that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_faults_are_paired_with_their_ends_in_one_pass() -> None:
    """Each with the earliest end that follows it; thousands of faults took the square of it."""
    marks = [
        FaultMark.model_construct(
            seq=number,
            t_ms=number,
            id=Counted(f"fault-{number % 5}"),
            phase="heal" if number % 3 == 0 else "inject",
            effects=FaultEffects(),
        )
        for number in range(1, 1001)
    ]
    history = History([header(), *marks])
    Counted.compared = 0
    paired = history.injected()
    assert Counted.compared < 10 * len(marks)
    heals = [mark for mark in marks if mark.phase == "heal"]
    for mark, _, end_ms in paired:
        later = (heal.t_ms for heal in heals if heal.id == mark.id and heal.seq > mark.seq)
        assert end_ms == min(later, default=None)
    assert history.end_ms == 1000
