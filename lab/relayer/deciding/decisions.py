"""The relayer's decisions, pure: from what is known of all chains to the calls that are wanted now.

It knows neither nodes nor intents: the same world gives the same actions, in the same order, and asking twice is free.
"""

from __future__ import annotations

from dataclasses import replace

from lab.relayer.deciding.parents import Answer, Standing, fits, is_original, originals, parents_of, standing
from lab.relayer.memory.records import Action, BlockId, ChainView, Entry, Job, World

ZERO_ID = "0x" + "00" * 32
# Blocks that are a second apart or more have times of their own; of those that are nearer several share one.
SLOTS_FROM_MS = 1000
# So long before its window ends a transaction is no more executed before it is seen as READY.
AHEAD_S = 6


def decide(world: World) -> list[Action]:
    """All calls wanted now, in the order (timestamp, chain, tx_id), a mirror's resolution before its child's."""
    actions: dict[Job, Action] = {}
    for entry in world.active:
        chain = world.chains[entry.chain]
        if chain.fresh and chain.accepting:
            for action in _wanted(world, chain, entry):
                if not world.exhausted(action.kind, (action.chain, action.tx_id)):
                    actions.setdefault(action.job, action)
    return list(actions.values())


def questions(world: World) -> list[BlockId]:
    """The blocks whose finality would change a decision, in order, without those known as final."""
    asked: dict[BlockId, None] = {}
    for child in world.active:
        for parent in parents_of(world, child):
            if parent.end_state != "EXPIRED":
                asked.update((block, None) for block in (parent.ready, parent.ended) if block is not None)
    return [block for block in asked if block not in world.final and world.chains[block.chain].fresh]


def justified(world: World, job: Job) -> tuple[Answer, tuple[BlockId, ...]]:
    """Whether a call already under way may still be (re)sent, and the blocks it rests on. Time plays no part here."""
    kind, chain, tx_id = job
    if not world.chains[chain].fresh:
        return "unknown", ()
    if kind == "mirror":
        return _for_children(world, chain, tx_id, None)
    entry = world.entries.get((chain, tx_id))
    if entry is None:
        return "no", ()
    if kind == "expire":
        return "yes", ()
    if not is_original(world, entry):
        return _for_children(world, chain, tx_id, entry) if kind == "resolve" else ("no", ())
    if entry.dependency is None:
        return "yes", ()  # an execution whose resolve a reorg took along comes behind it again; alone it only reverts
    stands = standing(world, entry, executed=_strict(world, entry, executing=kind == "execute"))
    if stands.answer == "yes" and kind == "resolve" and not stands.same_chain:
        mirror = world.entries.get((chain, entry.dependency))
        if mirror is None or not fits(world, mirror, stands.parents):
            return "no", ()
    return stands.answer, stands.needs


def pending(world: World) -> bool:
    """True while some transaction may still need a call, now or later."""
    return any(_open_end(world, entry) for entry in world.active)


def _strict(world: World, child: Entry, *, executing: bool) -> bool:
    """Whether the parent must be EXECUTED: by execution order, except to resolve a child beside its parent."""
    if world.execution_order != "executed":
        return False
    near = world.entries.get((child.chain, child.dependency or ""))
    return executing or near is None or not is_original(world, near)


def _for_children(world: World, chain: str, tx_id: str, mirror: Entry | None) -> tuple[Answer, tuple[BlockId, ...]]:
    """Whether any child on the chain justifies a mirror, to be made (None) or there already."""
    answers: list[Answer] = []
    for child in world.children.get((chain, tx_id), ()):
        if child.ready is None and is_original(world, child):
            stands = standing(world, child, executed=_strict(world, child, executing=False))
            if stands.same_chain or (mirror is not None and not fits(world, mirror, stands.parents)):
                continue
            if stands.answer == "yes":
                return "yes", stands.needs
            answers.append(stands.answer)
    return ("unknown" if "unknown" in answers else "no"), ()


def _wanted(world: World, chain: ChainView, entry: Entry) -> list[Action]:
    if not is_original(world, entry):
        real = fits(world, entry, originals(world, entry.tx_id, outside=entry.chain))
        return _expiry(world, chain, entry) if real and entry.ready is None else []
    if entry.key in world.deadline_passed:
        return [_expire(entry)] if world.can_expire else []
    if entry.ready is not None:
        return _execution(world, entry)
    if chain.next_timestamp > entry.timestamp + chain.window_s:
        return _expiry(world, chain, entry)
    if entry.dependency is None:
        due = chain.next_timestamp >= entry.timestamp
        return [_resolve(entry), *_ahead(world, chain, entry)] if due else []
    stands = standing(world, entry, executed=_strict(world, entry, executing=False))
    if stands.answer != "yes":
        return []
    if stands.same_chain:
        due = chain.next_timestamp >= entry.timestamp
        return [_resolve(entry, stands.needs), *_ahead(world, chain, entry)] if due else []
    return _across(world, chain, entry, stands)


def _across(world: World, chain: ChainView, child: Entry, stands: Standing) -> list[Action]:
    """Steps for a child whose parent stands on another chain: mirror it, resolve the mirror, resolve the child."""
    mirror = world.entries.get((child.chain, child.dependency or ""))
    if mirror is None:
        return _mirror(world, chain, child, stands)
    if not fits(world, mirror, stands.parents) or mirror.end_state is not None:
        return []
    steps: list[Action] = []
    if mirror.ready is None:
        due = mirror.timestamp <= chain.next_timestamp <= mirror.timestamp + chain.window_s
        if not due or world.exhausted("resolve", mirror.key):
            return []
        steps.append(_resolve(mirror, stands.needs))
    if chain.next_timestamp >= child.timestamp:
        # Sent right behind the mirror's: the nonce keeps them in order, and waiting for it would cost a block.
        steps += [_resolve(child, stands.needs, after=mirror), *_ahead(world, chain, child, mirror)]
    return steps


def _mirror(world: World, chain: ChainView, child: Entry, stands: Standing) -> list[Action]:
    parent = stands.parents[0]
    soon, latest = soonest(chain, world.now_unix_ms), child.timestamp + chain.window_s
    if parent.payload is None or soon > latest:
        return []  # it could not be READY before the child's window closes
    # From the second on, each that came too late gives a block more: where polls and blocks keep step, all would miss.
    missed = world.spent.get(("mirror", chain.name, parent.tx_id), 0)
    room_s = max(0, missed - 1) * max(1, chain.block_time_ms // 1000)
    timestamp = max(child.timestamp, min(soon + room_s, latest))
    args = (parent.tx_id, parent.origin, chain.rollup, parent.payload, ZERO_ID, timestamp)
    return [Action("mirror", chain.name, parent.tx_id, "buffer_transaction", args, stands.needs)]


def soonest(chain: ChainView, now_ms: int) -> int:
    """The time for a mirror: that of the block after the first that can hold it, so that it may miss one.

    Anything later would keep its resolution, for which its time must have come, out of that block.
    """
    head_ms, block_ms = chain.head_timestamp * 1000, chain.block_time_ms
    if chain.mines_empty_blocks and block_ms >= SLOTS_FROM_MS:
        # What is sent in the last part of a block's time is taken to come too late for that block.
        first_ms = max(head_ms + block_ms, now_ms + block_ms // 4)
    else:
        first_ms = max(head_ms, now_ms) + block_ms
    return -(-(first_ms + block_ms) // 1000)


def _execution(world: World, entry: Entry) -> list[Action]:
    if entry.dependency is None:
        return [Action("execute", entry.chain, entry.tx_id, "mark_executed", (entry.tx_id,))]
    stands = standing(world, entry, executed=world.execution_order == "executed")
    if stands.answer != "yes":
        return []
    return [Action("execute", entry.chain, entry.tx_id, "mark_executed", (entry.tx_id,), stands.needs)]


def _ahead(world: World, chain: ChainView, *resolved: Entry) -> list[Action]:
    """The execution of the first of these right behind their resolution, if every next block makes them READY.

    Such a block has reached their time by the head's, whatever the clock says, and their window is not about to close.
    """
    block_s = chain.block_time_ms // 1000 if chain.mines_empty_blocks else 0
    last = chain.next_timestamp + AHEAD_S
    due = all(e.timestamp <= chain.head_timestamp + block_s and last <= e.timestamp + chain.window_s for e in resolved)
    executions = _execution(world, resolved[0]) if world.ahead and due else []
    return [replace(execution, after=resolved[0].key) for execution in executions]


def _expiry(world: World, chain: ChainView, entry: Entry) -> list[Action]:
    """One call that records the end."""
    return [_expire(entry)] if world.can_expire and is_over(chain, entry) else []


def is_over(chain: ChainView, entry: Entry) -> bool:
    """Whether the window of a transaction is over in every block to come.

    On a chain without empty blocks the head's time says nothing about now, and the next block may be a second behind.
    """
    reached = chain.head_timestamp if chain.mines_empty_blocks else chain.next_timestamp - 1
    return reached > entry.timestamp + chain.window_s


def _expire(entry: Entry) -> Action:
    return Action("expire", entry.chain, entry.tx_id, "expire_transaction", (entry.tx_id,))


def _resolve(entry: Entry, needs: tuple[BlockId, ...] = (), after: Entry | None = None) -> Action:
    behind = after.key if after is not None else None
    return Action("resolve", entry.chain, entry.tx_id, "resolve_dependency", (entry.tx_id,), needs, behind)


def _open_end(world: World, entry: Entry) -> bool:
    chain = world.chains[entry.chain]
    if not chain.fresh:
        return True
    if not is_original(world, entry):
        return bool(_wanted(world, chain, entry)) and not world.exhausted("expire", entry.key)
    if entry.ready is None:
        over = chain.next_timestamp > entry.timestamp + chain.window_s
        return not over or (world.can_expire and not world.exhausted("expire", entry.key))
    if entry.key in world.deadline_passed:
        return world.can_expire and not world.exhausted("expire", entry.key)
    if world.exhausted("execute", entry.key):
        return False
    if entry.dependency is None:
        return True
    stands = standing(world, entry, executed=world.execution_order == "executed")
    alive = any(parent.ready is not None and parent.end_state != "EXPIRED" for parent in stands.parents)
    return stands.answer != "no" or alive
