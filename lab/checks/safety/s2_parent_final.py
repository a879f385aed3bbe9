"""S2: a child READY means its parent READY or EXECUTED in a block that was final when the relayer relied on it.

The relayer relies on a parent when it submits the mirror's buffering; without a mirror, when the child's resolving is
submitted. Parents are looked up on the canonical chain, so one that a reorg took away does not count. A mirror of the
relayer's own relies on its parent whether a child follows or not: without one it is what a forger would have buffered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.checks.blocktimes import final_between
from lab.checks.facts import (
    ZERO_ID,
    actor_of,
    block_at,
    buffered_with,
    clock,
    is_mirror,
    is_suspended,
    leg_at,
    name_at,
    name_of,
    origin_of,
    replays,
    sent,
    suspension_note,
)
from lab.checks.judgement import Judgement
from lab.checks.replay import Entry, Transition, replay
from lab.model.chain.facts import ChainFacts
from lab.model.history import History
from lab.model.records import Leg, Submit
from lab.model.verdict import CheckResult


@dataclass(frozen=True, slots=True)
class Bond:
    """A child that became READY, and the parent it declared. `parent_chain` None: nobody knows such a parent."""

    chain: str
    child: Entry
    ready: Transition
    parent_id: str
    parent_chain: str | None
    parent_name: str


def judge(history: History) -> CheckResult:
    """Judges every child that is READY on its canonical chain, declared or not, and mirrors that none of them needs."""
    judgement = Judgement("S2", "child transaction")
    for replayed in replays(history):
        needed: set[str] = set()
        for entry in replayed.entries.values():
            ready = entry.first("READY")
            if ready is None or is_mirror(history, replayed.chain, entry):
                continue
            bond = _bond(history, replayed.chain, entry, ready)
            if bond is None:
                continue
            needed.add(bond.parent_id)
            parent = leg_at(history, bond.parent_chain, bond.parent_id) if bond.parent_chain else None
            if is_suspended(history, leg_at(history, replayed.chain, entry.tx_id), parent):
                judgement.note(suspension_note(history))
                continue
            judgement.judged += 1
            _judge_bond(history, judgement, bond)
        submits = {submit.tx for submit in history.of(Submit) if submit.chain == replayed.chain}
        for entry in replayed.entries.values():
            if is_mirror(history, replayed.chain, entry):
                buffered = entry.first("BUFFERED")
                of_relayer = buffered is not None and buffered.step.tx.hash in submits
                _judge_mirror(history, judgement, replayed.chain, entry, alone=of_relayer and entry.tx_id not in needed)
    return judgement.result("no transaction with a parent ever became READY")


def _bond(history: History, chain: str, entry: Entry, ready: Transition) -> Bond | None:
    leg = leg_at(history, chain, entry.tx_id)
    parent: Leg | None = history.leg(leg.after) if leg is not None and leg.after is not None else None
    if parent is not None:
        return Bond(chain, entry, ready, parent.tx_id, parent.chain, parent.name)
    dependency = buffered_with(entry, "dependency_tx_id")
    if dependency is None:
        stored = [t for t in getattr(history.final(chain), "transactions", ()) if t.tx_id == entry.tx_id]
        dependency = stored[0].dependency if stored else None
    if dependency is None or int(dependency, 16) == int(ZERO_ID, 16):
        return None
    local = replay(history, chain).entry(dependency)
    origin = origin_of(local)
    home = history.chain_of_rollup(origin) if origin else None
    declared = next((leg.chain for leg in history.header.legs if leg.tx_id == dependency), None)
    return Bond(chain, entry, ready, dependency, home or declared, name_of(history, home or chain, dependency))


def _judge_bond(history: History, judgement: Judgement, bond: Bond) -> None:
    child = name_at(history, bond.chain, bond.child.tx_id)
    became = f"it became READY in {block_at(bond.ready.step.block)}"
    local = replay(history, bond.chain).entry(bond.parent_id)
    mirror = local.first("BUFFERED") if is_mirror(history, bond.chain, local) else None
    relied_ms, evidence = sent(history, (mirror or bond.ready).step)
    evidence = (*evidence, bond.ready.step.block.seq)
    of = history.chain_of_rollup(origin_of(local) or "") if mirror is not None else None
    met = local.first("READY", "EXECUTED")
    kept = met is not None and met.step.order < bond.ready.step.order
    # A contract sees its own storage alone: where the dependency is met there, whoever relied on it is to blame.
    actor = actor_of(history, (mirror or bond.ready).step) if kept else "contract"
    other = f"; its mirror is of {name_at(history, of, bond.parent_id)}" if of not in (None, bond.parent_chain) else ""

    def fail(why: str, *lines: int) -> None:
        judgement.fail(
            f"expected {child} to become READY only on a final parent {bond.parent_name}; {became}, {why}{other}",
            bond.ready.step.block,
            bond.child.tx_id,
            *(evidence + lines),
            actor=actor,
        )

    if bond.parent_chain is None:
        fail("and no chain has such a parent")
        return
    parent = replay(history, bond.parent_chain).entry(bond.parent_id).first("READY", "EXECUTED")
    if parent is None:
        lost = [block.seq for block in history.orphans if block.chain == bond.parent_chain]
        was = f"but its parent is not READY on the canonical {bond.parent_chain}"
        fail(f"{was} ({len(lost)} of its blocks were orphaned)" if lost else was, *lost)
    elif bond.parent_chain == bond.chain:
        # One chain is reorganised as a whole: the child cannot outlive its parent there, so order is all that counts.
        if parent.step.order > bond.ready.step.order:
            fail(f"before its parent did in block {parent.step.block.number}", parent.step.block.seq)
    else:
        _judge_final(history, judgement, bond, parent, relied_ms, fail)


def _depth_unknown(facts: ChainFacts) -> bool:
    return facts.finality.tag is not None and facts.tag_depth_blocks is None


def _judge_final(
    history: History, judgement: Judgement, bond: Bond, parent: Transition, relied_ms: int, fail: Callable[..., None]
) -> None:
    block, chain = parent.step.block, parent.step.chain
    facts = history.header.chains[chain]
    if _depth_unknown(facts):
        message = (
            f"the distance of the tag {facts.finality.tag} on {chain} is not recorded, so nobody knows when "
            f"{bond.parent_name} was final"
        )
        judgement.doubt(message, chain, bond.parent_id, block.seq)
        return
    final = final_between(history, chain, block)
    since = final[0] if final is not None else None
    if since is None or since > relied_ms:
        when = f"final from {clock(since)} on" if since is not None else "never final in this run"
        fail(
            f"relying on its parent at {clock(relied_ms)}, but the parent's block {block.number} of "
            f"{chain} (at {clock(block.t_ms)}) was {when} by {facts.finality}",
            block.seq,
        )


def _judge_mirror(history: History, judgement: Judgement, chain: str, mirror: Entry, *, alone: bool) -> None:
    """A mirror without a real parent is told of. The relayer's own, which no child needs, wants a final parent."""
    name, buffered = name_at(history, chain, mirror.tx_id), mirror.first("BUFFERED")
    home = history.chain_of_rollup(origin_of(mirror) or "")
    real = replay(history, home).entry(mirror.tx_id) if home is not None else Entry(mirror.tx_id)
    parent = real.first("READY", "EXECUTED")
    if parent is None:
        judgement.note(f"{name} is a mirror without a real parent (its origin is {home or 'no chain of this run'})")
    if not alone or buffered is None:
        return
    if home is not None and is_suspended(history, leg_at(history, home, mirror.tx_id)):
        return
    relied_ms, evidence = sent(history, buffered.step)

    def fail(why: str, *lines: int) -> None:
        judgement.fail(
            f"expected the relayer to mirror only what is final on its own chain; it buffered {name} in "
            f"{block_at(buffered.step.block)}, {why}",
            buffered.step.block,
            mirror.tx_id,
            *(evidence + lines),
            actor="relayer",
        )

    if parent is not None:
        bond = Bond(chain, mirror, buffered, mirror.tx_id, parent.step.chain, name_of(history, chain, mirror.tx_id))
        _judge_final(history, judgement, bond, parent, relied_ms, fail)
    elif real.first("BUFFERED") is None:
        fail(f"and its origin, {home or 'no chain of this run'}, has no transaction of that id")
    else:
        fail(f"and on {home} it is {real.state}")
