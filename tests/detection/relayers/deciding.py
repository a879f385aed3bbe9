"""Relayers that decide wrongly: each is the reference with one part replaced, and has one bug."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.networks import load_network
from lab.relayer.deciding import decisions as core
from lab.relayer.deciding.parents import Answer, is_original
from lab.relayer.memory.records import Action, BlockId, Entry, Head, Job, World
from lab.relayer.reading.finality import FinalityJudge


class NoConfirmations(FinalityJudge):
    """Takes the newest block for as good as any."""

    def is_final(self, block: BlockId, head: Head, now_ms: int) -> bool:
        """It is there, is it not?"""
        return True


class CountsBehindTheTag(FinalityJudge):
    """Knows how far the tag usually is behind the head, and does not ask for it."""

    def is_final(self, block: BlockId, head: Head, now_ms: int) -> bool:
        """It always was, so far."""
        if self.policy.tag is None:
            return super().is_final(block, head, now_ms)
        return block.number <= head.number - load_network("polygon").tag_depth(self.policy.tag)


class LeavesSecondsOut(FinalityJudge):
    """Knows finality by blocks and by tag; where there is neither, what it sees is final."""

    def is_final(self, block: BlockId, head: Head, now_ms: int) -> bool:
        """As its own rule says, or at once."""
        return self.policy.seconds is not None or super().is_final(block, head, now_ms)


class SecondsAsBlocks(FinalityJudge):
    """Takes a number of seconds for one of blocks."""

    def is_final(self, block: BlockId, head: Head, now_ms: int) -> bool:
        """So many blocks deep."""
        if self.policy.seconds is None:
            return super().is_final(block, head, now_ms)
        return head.number >= block.number + self.policy.seconds


class Decisions:
    """The reference's decisions, to vary."""

    def decide(self, world: World) -> list[Action]:
        """See `core.decide`."""
        return core.decide(world)

    def questions(self, world: World) -> list[BlockId]:
        """See `core.questions`."""
        return core.questions(world)

    def justified(self, world: World, job: Job) -> tuple[Answer, tuple[BlockId, ...]]:
        """See `core.justified`."""
        return core.justified(world, job)

    def pending(self, world: World) -> bool:
        """See `core.pending`."""
        return core.pending(world)


class Credulous(Decisions):
    """Takes every transaction for an original of the chain that it finds it on."""

    def decide(self, world: World) -> list[Action]:
        """As if there were no mirrors."""
        return core.decide(_believing(world))

    def questions(self, world: World) -> list[BlockId]:
        """As if there were no mirrors."""
        return core.questions(_believing(world))

    def justified(self, world: World, job: Job) -> tuple[Answer, tuple[BlockId, ...]]:
        """As if there were no mirrors."""
        return core.justified(_believing(world), job)


def _without_end(world: World) -> list[Entry]:
    """Mirrors that are READY, too, in the order of the others."""
    entries = (entry for entry in world.entries.values() if entry.ended is None)
    return sorted(entries, key=lambda entry: (entry.timestamp, world.chains[entry.chain].order, entry.tx_id))


def _believing(world: World) -> World:
    def original(entry: Entry) -> Entry:
        return replace(entry, origin=world.chains[entry.chain].rollup)

    return replace(
        world,
        entries={key: original(entry) for key, entry in world.entries.items()},
        active=[original(entry) for entry in _without_end(world)],
        children={key: [original(entry) for entry in entries] for key, entries in world.children.items()},
    )


class ExecutesMirrors(Decisions):
    """Executes whatever is READY, a mirror too."""

    def decide(self, world: World) -> list[Action]:
        """What the reference wants, and the mirrors' executions."""
        mirrors = [each for each in _without_end(world) if not is_original(world, each) and each.ready is not None]
        return core.decide(world) + [
            Action("execute", each.chain, each.tx_id, "mark_executed", (each.tx_id,)) for each in mirrors
        ]

    def justified(self, world: World, job: Job) -> tuple[Answer, tuple[BlockId, ...]]:
        """Never has second thoughts on an execution."""
        return ("yes", ()) if job[0] == "execute" else core.justified(world, job)


class Impatient(Decisions):
    """Asks the contract again and again whether it is time, by a transaction, and never tires of it."""

    def decide(self, world: World) -> list[Action]:
        """What the reference wants, and a resolve of every root that is not READY."""
        fresh = replace(world, spent={})
        early = [
            Action("resolve", each.chain, each.tx_id, "resolve_dependency", (each.tx_id,))
            for each in world.active
            if each.ready is None and each.dependency is None and is_original(world, each)
        ]
        return core.decide(fresh) + early


class AllOrNothing(Decisions):
    """Waits until every chain answers before it does anything."""

    def decide(self, world: World) -> list[Action]:
        """Nothing while one chain is down."""
        return core.decide(world) if all(chain.fresh for chain in world.chains.values()) else []


class NeverMirrors(Decisions):
    """Leaves it to others to carry a parent to its child's chain."""

    def decide(self, world: World) -> list[Action]:
        """Everything else."""
        return [action for action in core.decide(world) if action.kind != "mirror"]


class ExchangesRollups(Decisions):
    """Its mirrors go from the child's chain to the parent's."""

    def decide(self, world: World) -> list[Action]:
        """Everything as it should be, but for that."""
        return [replace(each, args=exchanged(each)) if each.kind == "mirror" else each for each in core.decide(world)]


def exchanged(action: Action) -> tuple[Any, ...]:
    """A buffering's arguments with origin and target exchanged."""
    tx_id, origin, target, *rest = action.args
    return (tx_id, target, origin, *rest)


class CutsPayloads(Decisions):
    """Its mirrors carry the first byte of what their parents do."""

    def decide(self, world: World) -> list[Action]:
        """Everything as it should be, but for that: what it resolves and waits for are the right ones."""
        return [replace(each, args=cut(each)) if each.kind == "mirror" else each for each in core.decide(world)]


def cut(action: Action) -> tuple[Any, ...]:
    """A buffering's arguments with a payload of one byte."""
    tx_id, origin, target, payload, *rest = action.args
    return (tx_id, origin, target, payload[:4], *rest)


class MirrorsAnotherId(Decisions):
    """Its mirrors have an id of their own."""

    def decide(self, world: World) -> list[Action]:
        """Everything as it should be, but for that: what it resolves and waits for are the right ones."""
        return [replace(each, args=renamed(each)) if each.kind == "mirror" else each for each in core.decide(world)]


def renamed(action: Action) -> tuple[Any, ...]:
    """A buffering's arguments with the last bit of the id the other way round."""
    tx_id, *rest = action.args
    return (f"{tx_id[:-1]}{int(tx_id[-1], 16) ^ 1:x}", *rest)


class MirrorsLate(Decisions):
    """Its mirrors are due a minute after their children."""

    def decide(self, world: World) -> list[Action]:
        """Everything as it should be, but for that."""
        return [
            replace(each, args=(*each.args[:-1], each.args[-1] + 60)) if each.kind == "mirror" else each
            for each in core.decide(world)
        ]


class Blind(Decisions):
    """Never acts on one chain."""

    def __init__(self, chain: str) -> None:
        self._chain = chain

    def decide(self, world: World) -> list[Action]:
        """Everything elsewhere."""
        return [each for each in core.decide(world) if each.chain != self._chain]

    def pending(self, world: World) -> bool:
        """Nothing that it knows of."""
        return False


class OneClock(Decisions):
    """Takes one chain's clock for every chain's."""

    def __init__(self, chain: str) -> None:
        self._chain = chain

    def decide(self, world: World) -> list[Action]:
        """By what that chain's head says."""
        clock = world.chains[self._chain]
        head, following = clock.head_timestamp, clock.next_timestamp
        chains = {
            name: replace(chain, head_timestamp=head, next_timestamp=following) for name, chain in world.chains.items()
        }
        return core.decide(replace(world, chains=chains))


class WallClock(Decisions):
    """Goes by the machine's clock alone."""

    def decide(self, world: World) -> list[Action]:
        """Whatever the chains' heads say."""
        now_s = world.now_unix_ms // 1000
        chains = {
            name: replace(chain, head_timestamp=now_s, next_timestamp=now_s) for name, chain in world.chains.items()
        }
        return core.decide(replace(world, chains=chains))


class OneChild(Decisions):
    """Knows one child of each parent on a chain."""

    def decide(self, world: World) -> list[Action]:
        """No resolve of those that came later."""
        families = {(each.chain, each.dependency): each for each in reversed(list(world.entries.values()))}
        return [
            action
            for action in core.decide(world)
            if action.kind != "resolve"
            or (entry := world.entries[action.chain, action.tx_id]).dependency is None
            or families[entry.chain, entry.dependency] is entry
        ]


class NeverExpires(Decisions):
    """Has no use for a transaction whose window is over."""

    def decide(self, world: World) -> list[Action]:
        """Everything else."""
        return [action for action in core.decide(world) if action.kind != "expire"]


class NeverExecutes(Decisions):
    """Takes READY for the end."""

    def decide(self, world: World) -> list[Action]:
        """Everything else."""
        return [action for action in core.decide(world) if action.kind != "execute"]


class DoesNothing(Decisions):
    """Looks on."""

    def decide(self, world: World) -> list[Action]:
        """Never anything."""
        return []

    def pending(self, world: World) -> bool:
        """Nor is anything left to do."""
        return False


class Dawdles(Decisions):
    """Resolves half a minute after it could."""

    def decide(self, world: World) -> list[Action]:
        """No resolve within thirty seconds of the timestamp."""
        return [
            action
            for action in core.decide(world)
            if action.kind != "resolve"
            or world.chains[action.chain].next_timestamp > world.entries[action.chain, action.tx_id].timestamp + 30
        ]
