"""Decisions, as a table: a hand-made world and the calls wanted in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lab.relayer.deciding.decisions import decide, justified, pending, questions
from lab.relayer.memory.records import BlockId, ChainView, Entry, World

NOW = 1000
A, B = "0xaa", "0xbb"


def at(chain: str, number: int) -> BlockId:
    """A block."""
    return BlockId(chain, number, f"0x{chain}{number}")


ROOT = Entry("a", "0x01", A, B, None, NOW, "0xda", at("a", 1))
READY = replace(ROOT, ready=at("a", 5))
EXECUTED = replace(READY, ended=at("a", 6), end_state="EXECUTED")
CHILD = Entry("b", "0x02", B, A, "0x01", NOW, "0xdb", at("b", 1))
MIRROR = Entry("b", "0x01", A, B, None, NOW, "0xda", at("b", 2))
FORGED = replace(MIRROR, payload="0xbad0")
FINAL = frozenset({at("a", 5), at("a", 6)})


def world(*entries: Entry, **changes: Any) -> World:
    """Chains a and b with 2 s blocks, a window of 30 s, the next block at NOW."""
    chains = {
        name: ChainView(name, order, rollup, 2000, True, NOW - 2, NOW, 30)
        for order, (name, rollup) in enumerate((("a", A), ("b", B)))
    }
    chains = {name: replace(view, **changes.pop(name, {})) for name, view in chains.items()}
    active = sorted((e for e in entries if e.ended is None), key=lambda e: (e.timestamp, e.chain, e.tx_id))
    children: dict[tuple[str, str], list[Entry]] = {}
    for entry in active:
        if entry.dependency:
            children.setdefault((entry.chain, entry.dependency), []).append(entry)
    known = {entry.key: entry for entry in entries}
    changes.setdefault("final", FINAL)
    now = NOW * 1000 - 500
    return World(chains=chains, entries=known, active=active, children=children, now_unix_ms=now, **changes)


def wanted(given: World) -> list[str]:
    """The actions as short words."""
    return [f"{action.kind} {action.chain} {action.tx_id}" for action in decide(given)]


RESOLVE_ROOT, EXECUTE_ROOT = "resolve a 0x01", "execute a 0x01"
DUE: dict[str, Any] = {}
EARLY, LATE = {"next_timestamp": NOW - 1}, {"next_timestamp": NOW + 31, "head_timestamp": NOW + 29}
CLOSED = {"next_timestamp": NOW + 33, "head_timestamp": NOW + 31}


@pytest.mark.parametrize(
    ("entries", "changes", "expected"),
    [
        ((ROOT,), {"a": DUE}, [RESOLVE_ROOT]),
        ((ROOT,), {"a": EARLY}, []),
        ((ROOT,), {"a": {"next_timestamp": NOW + 30}}, [RESOLVE_ROOT]),
        ((ROOT,), {"a": LATE}, []),
        ((ROOT,), {"a": CLOSED}, ["expire a 0x01"]),
        ((ROOT,), {"a": LATE | {"mines_empty_blocks": False}}, []),
        ((ROOT,), {"a": LATE | {"mines_empty_blocks": False, "next_timestamp": NOW + 32}}, ["expire a 0x01"]),
        ((ROOT,), {"a": CLOSED, "can_expire": False}, []),
        ((ROOT,), {"a": CLOSED, "spent": {("expire", "a", "0x01"): 2}}, ["expire a 0x01"]),
        ((ROOT,), {"a": CLOSED, "spent": {("expire", "a", "0x01"): 3}}, []),
        ((ROOT,), {"spent": {("resolve", "a", "0x01"): 6}}, []),
        ((ROOT,), {"a": {"fresh": False}}, []),
        ((ROOT,), {"a": {"accepting": False}}, []),
        ((READY,), {}, [EXECUTE_ROOT]),
        ((READY,), {"deadline_passed": {READY.key}}, ["expire a 0x01"]),
        ((EXECUTED,), {}, []),
    ],
)
def test_roots(entries: tuple[Entry, ...], changes: dict[str, Any], expected: list[str]) -> None:
    """A root is resolved within its window, executed when ready, and ended by one call when its time is over."""
    assert wanted(world(*entries, **changes)) == expected


MIRROR_IT, RESOLVE_MIRROR, RESOLVE_CHILD = "mirror b 0x01", "resolve b 0x01", "resolve b 0x02"
CHILD_READY = replace(CHILD, ready=at("b", 4))
READY_MIRROR = replace(MIRROR, ready=at("b", 3))


@pytest.mark.parametrize(
    ("entries", "changes", "expected"),
    [
        ((CHILD,), {}, []),
        ((ROOT, CHILD), {}, [RESOLVE_ROOT]),
        ((EXECUTED, CHILD), {}, [MIRROR_IT]),
        ((READY, CHILD), {}, [EXECUTE_ROOT, MIRROR_IT]),
        ((EXECUTED, CHILD), {"final": frozenset()}, []),
        ((EXECUTED, CHILD), {"a": {"fresh": False}}, []),
        ((EXECUTED, CHILD), {"b": {"next_timestamp": NOW + 28}, "now_unix_ms": 0}, [MIRROR_IT]),
        ((replace(EXECUTED, end_state="EXPIRED"), CHILD), {}, []),
        ((replace(EXECUTED, payload=None), CHILD), {}, []),
        ((READY, CHILD), {"execution_order": "executed"}, [EXECUTE_ROOT]),
        ((EXECUTED, CHILD), {"execution_order": "executed"}, [MIRROR_IT]),
        ((EXECUTED, CHILD), {"execution_order": "executed", "final": {at("a", 5)}}, []),
        ((EXECUTED, CHILD, MIRROR), {}, [RESOLVE_MIRROR, RESOLVE_CHILD]),
        ((EXECUTED, CHILD, MIRROR), {"b": EARLY}, []),
        ((EXECUTED, replace(CHILD, timestamp=NOW + 9), MIRROR), {}, [RESOLVE_MIRROR]),
        ((EXECUTED, CHILD, replace(MIRROR, timestamp=NOW + 9)), {}, []),
        ((EXECUTED, CHILD, MIRROR), {"spent": {("resolve", "b", "0x01"): 6}}, []),
        ((EXECUTED, CHILD, READY_MIRROR), {}, [RESOLVE_CHILD]),
        ((EXECUTED, MIRROR), {}, []),
        ((CHILD, MIRROR), {}, []),
        ((ROOT, CHILD, READY_MIRROR), {"a": EARLY}, []),
        ((EXECUTED, CHILD, FORGED), {}, []),
        ((EXECUTED, CHILD, replace(MIRROR, origin="0xcc")), {}, []),
        ((EXECUTED, CHILD, replace(MIRROR, target=A)), {}, []),
        ((EXECUTED, CHILD, replace(MIRROR, dependency="0x07")), {}, []),
        ((EXECUTED, CHILD_READY, READY_MIRROR), {}, ["execute b 0x02"]),
        ((EXECUTED, CHILD_READY, READY_MIRROR), {"a": {"fresh": False}}, []),
        ((ROOT, CHILD_READY, READY_MIRROR), {"a": EARLY}, []),
        ((CHILD_READY, READY_MIRROR), {}, []),
        ((READY, CHILD_READY, READY_MIRROR), {"execution_order": "executed"}, [EXECUTE_ROOT]),
        ((EXECUTED, MIRROR), {"b": CLOSED}, ["expire b 0x01"]),
        ((EXECUTED, FORGED), {"b": CLOSED}, []),
    ],
)
def test_children_across_chains(entries: tuple[Entry, ...], changes: dict[str, Any], expected: list[str]) -> None:
    """A child moves only on a parent that is final, canonical and mirrored faithfully."""
    now = changes.get("now_unix_ms")
    given = world(*entries, **{name: value for name, value in changes.items() if name != "now_unix_ms"})
    assert wanted(given if now is None else replace(given, now_unix_ms=now)) == expected


def test_a_mirror_carries_the_parents_content_and_a_reachable_timestamp() -> None:
    """Origin and payload of the parent, the child's chain as target, the block after the next, what it rests on."""
    (action,) = decide(world(EXECUTED, CHILD))
    assert action.args == ("0x01", A, B, "0xda", "0x" + "00" * 32, NOW + 2)
    assert action.needs == (at("a", 5),)
    (later,) = decide(world(EXECUTED, replace(CHILD, timestamp=NOW + 20)))
    assert later.args[-1] == NOW + 20


@pytest.mark.parametrize(
    ("now_ms", "changes", "expected"),
    [
        (-2000, {}, 2),
        (-499, {}, 3),  # too late for the next block: as if it were missed
        (500, {}, 3),  # that block is late
        (4000, {}, 7),
        (-2000, {"block_time_ms": 12_000}, 22),
        (5000, {"block_time_ms": 12_000}, 22),
        (8000, {"block_time_ms": 12_000}, 23),
        (-2000, {"head_timestamp": NOW + 9}, 13),
        (-2000, {"block_time_ms": 250}, -1),
        (100, {"block_time_ms": 250}, 1),
        (100, {"block_time_ms": 2000, "mines_empty_blocks": False}, 5),
    ],
)
def test_a_mirror_is_due_with_the_block_after_the_first_that_can_hold_it(
    now_ms: int, changes: dict[str, Any], expected: int
) -> None:
    """One block may be missed without a revert, and its resolution goes into the second."""
    given = replace(world(EXECUTED, replace(CHILD, timestamp=NOW - 5), b=changes), now_unix_ms=NOW * 1000 + now_ms)
    (action,) = decide(given)
    assert action.args[-1] - NOW == expected


@pytest.mark.parametrize(
    ("missed", "changes", "expected"),
    [
        (1, {"block_time_ms": 200}, 1),  # once is chance
        (2, {"block_time_ms": 200}, 2),  # its blocks carry whole seconds
        (3, {"block_time_ms": 200}, 3),
        (3, {"block_time_ms": 12_000, "window_s": 90}, 46),
        (3, {"block_time_ms": 12_000}, 25),
    ],
)
def test_a_mirror_that_came_too_late_twice_is_made_for_a_later_block(
    missed: int, changes: dict[str, Any], expected: int
) -> None:
    """Polls that keep step with blocks would miss by the same time each time; the child's window is kept."""
    entries = world(EXECUTED, replace(CHILD, timestamp=NOW - 5), b=changes)
    spent: dict[Any, int] = {("mirror", "b", "0x01"): missed}
    (action,) = decide(replace(entries, spent=spent, now_unix_ms=NOW * 1000 - 100))
    assert action.args[-1] - NOW == expected


def test_a_mirror_too_late_for_its_child_is_not_made() -> None:
    """The block after the next lies beyond the child's window: useless."""
    assert not decide(world(EXECUTED, replace(CHILD, timestamp=NOW - 29)))
    assert decide(world(EXECUTED, replace(CHILD, timestamp=NOW - 28)))


def test_two_children_share_one_mirror() -> None:
    """One mirror, by the earlier child."""
    second = replace(CHILD, tx_id="0x03", timestamp=NOW + 5)
    assert wanted(world(EXECUTED, CHILD, second)) == [MIRROR_IT]


DUE_MIRROR = replace(MIRROR, timestamp=NOW)
EXECUTE_CHILD = "execute b 0x02"


@pytest.mark.parametrize(
    ("entries", "changes", "expected"),
    [
        ((ROOT,), {}, [RESOLVE_ROOT, EXECUTE_ROOT]),
        ((ROOT,), {"a": EARLY}, []),
        # By the clock it is due, by the block's own time it may not be.
        ((ROOT,), {"a": {"head_timestamp": NOW - 3}}, [RESOLVE_ROOT]),
        ((ROOT,), {"a": {"mines_empty_blocks": False}}, [RESOLVE_ROOT]),
        ((ROOT,), {"a": {"mines_empty_blocks": False, "head_timestamp": NOW}}, [RESOLVE_ROOT, EXECUTE_ROOT]),
        ((ROOT,), {"a": {"next_timestamp": NOW + 24}}, [RESOLVE_ROOT, EXECUTE_ROOT]),
        ((ROOT,), {"a": {"next_timestamp": NOW + 25}}, [RESOLVE_ROOT]),
        ((ROOT,), {"spent": {("execute", "a", "0x01"): 4}}, [RESOLVE_ROOT]),
        ((READY, CHILD), {"a": {"accepting": False}}, [MIRROR_IT]),
        ((READY, CHILD, DUE_MIRROR), {"a": {"accepting": False}}, [RESOLVE_MIRROR, RESOLVE_CHILD, EXECUTE_CHILD]),
        (
            (READY, CHILD, replace(MIRROR, timestamp=NOW - 7)),
            {"a": {"accepting": False}, "b": {"next_timestamp": NOW + 20}},
            [RESOLVE_MIRROR, RESOLVE_CHILD],
        ),
        (
            (READY, CHILD, DUE_MIRROR),
            {"a": {"accepting": False}, "execution_order": "executed"},
            [],
        ),
        (
            (EXECUTED, CHILD, DUE_MIRROR),
            {"execution_order": "executed"},
            [RESOLVE_MIRROR, RESOLVE_CHILD, EXECUTE_CHILD],
        ),
    ],
)
def test_an_execution_ahead_follows_a_resolution_that_every_next_block_takes(
    entries: tuple[Entry, ...], changes: dict[str, Any], expected: list[str]
) -> None:
    """Behind its own resolution, whose time the head's makes certain and whose window stays open."""
    given = world(*entries, ahead=True, **changes)
    assert wanted(given) == expected
    assert all(action.ahead and action.after == (action.chain, action.tx_id)
               for action in decide(given) if action.kind == "execute")  # fmt: skip


def test_a_parent_beside_its_child_must_be_final_and_is_not_mirrored() -> None:
    """On one chain the contract itself looks the dependency up."""
    child = replace(CHILD, chain="a", origin=A, target=B)
    assert wanted(world(EXECUTED, child)) == ["resolve a 0x02"]
    assert wanted(world(EXECUTED, child, final=frozenset())) == []


def test_a_dependency_on_itself_is_never_satisfied() -> None:
    """It is neither resolved nor mirrored."""
    assert not decide(world(replace(CHILD, dependency="0x02")))


def test_an_id_with_two_originals_needs_both() -> None:
    """The contract cannot say which of two originals on other chains is meant, so both must stand."""
    third = ChainView("c", 2, "0xcc", 2000, True, NOW - 2, NOW, 30)
    twin = replace(ROOT, chain="c", origin="0xcc", timestamp=NOW + 99)
    given = world(EXECUTED, CHILD)
    both = replace(given, chains={**given.chains, "c": third}, entries={**given.entries, twin.key: twin})
    assert not decide(both)
    assert decide(replace(both, entries=given.entries))


def test_actions_come_by_timestamp_then_chain_then_id() -> None:
    """The order of work is fixed."""
    later = replace(ROOT, tx_id="0x00", timestamp=NOW)
    other = replace(ROOT, chain="b", origin=B, tx_id="0x0a", timestamp=NOW - 5)
    assert wanted(world(ROOT, later, other)) == ["resolve b 0x0a", "resolve a 0x00", "resolve a 0x01"]


def test_only_blocks_that_matter_are_asked_for_finality() -> None:
    """Blocks of parents of active children that are not known as final."""
    assert questions(world(EXECUTED, CHILD, final=frozenset({at("a", 5)}))) == [at("a", 6)]
    assert questions(world(EXECUTED)) == []
    assert questions(world(EXECUTED, CHILD, final=frozenset(), a={"fresh": False})) == []


@pytest.mark.parametrize(
    ("job", "entries", "changes", "answer"),
    [
        (("resolve", "a", "0x01"), (ROOT,), {}, "yes"),
        (("resolve", "a", "0x01"), (), {}, "no"),
        (("resolve", "a", "0x01"), (ROOT,), {"a": {"fresh": False}}, "unknown"),
        (("mirror", "b", "0x01"), (EXECUTED, CHILD), {}, "yes"),
        (("mirror", "b", "0x01"), (CHILD,), {}, "no"),
        (("mirror", "b", "0x01"), (CHILD,), {"a": {"fresh": False}}, "unknown"),
        (("resolve", "b", "0x01"), (EXECUTED, CHILD, MIRROR), {}, "yes"),
        (("resolve", "b", "0x01"), (EXECUTED, CHILD, FORGED), {}, "no"),
        (("resolve", "b", "0x02"), (EXECUTED, CHILD, MIRROR), {}, "yes"),
        (("resolve", "b", "0x02"), (EXECUTED, CHILD, FORGED), {}, "no"),
        (("resolve", "b", "0x02"), (EXECUTED, CHILD), {}, "no"),
        (("resolve", "b", "0x02"), (ROOT, CHILD, MIRROR), {}, "no"),
        (("execute", "b", "0x02"), (EXECUTED, CHILD_READY), {}, "yes"),
        (("execute", "b", "0x02"), (ROOT, CHILD_READY), {}, "no"),
        (("execute", "b", "0x02"), (EXECUTED, CHILD_READY), {"a": {"fresh": False}}, "unknown"),
        (("execute", "b", "0x01"), (EXECUTED, MIRROR), {}, "no"),
        (("expire", "b", "0x02"), (CHILD,), {}, "yes"),
    ],
)
def test_what_may_be_sent_again(job: Any, entries: tuple[Entry, ...], changes: dict[str, Any], answer: str) -> None:
    """A call under way stays justified only by what is known now."""
    assert justified(world(*entries, **changes), job)[0] == answer


@pytest.mark.parametrize(
    ("entries", "changes", "expected"),
    [
        ((), {}, False),
        ((ROOT,), {"a": EARLY}, True),
        ((ROOT,), {"a": CLOSED}, True),
        ((ROOT,), {"a": CLOSED, "can_expire": False}, False),
        ((ROOT,), {"a": CLOSED, "spent": {("expire", "a", "0x01"): 3}}, False),
        ((READY,), {}, True),
        ((EXECUTED,), {}, False),
        ((EXECUTED, READY_MIRROR), {}, False),
        ((CHILD_READY, READY_MIRROR), {}, False),
        ((EXECUTED, CHILD_READY, READY_MIRROR), {"final": frozenset()}, True),
    ],
)
def test_what_is_still_pending(entries: tuple[Entry, ...], changes: dict[str, Any], expected: bool) -> None:
    """Idle means that no transaction known can need a call any more."""
    assert pending(world(*entries, **changes)) is expected
