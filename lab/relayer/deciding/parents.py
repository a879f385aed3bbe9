"""Which parent a child has, whether it stands, and whether a mirror is the mirror of a real parent. Pure.

A Buffered is an original only on the chain whose rollup is its origin; anywhere else it is a mirror, or forged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.relayer.memory.records import BlockId, Entry, World

Answer = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a child may rest on its parent now. `needs` are the blocks that say so, `parents` the originals meant."""

    answer: Answer
    parents: tuple[Entry, ...] = ()
    needs: tuple[BlockId, ...] = ()
    same_chain: bool = False


def is_original(world: World, entry: Entry) -> bool:
    """True on the chain whose rollup is the entry's origin."""
    return world.chains[entry.chain].rollup == entry.origin


def originals(world: World, tx_id: str, *, outside: str) -> tuple[Entry, ...]:
    """The originals with this id on all chains but one, in declared order."""
    elsewhere = (world.entries.get((name, tx_id)) for name in world.chains if name != outside)
    return tuple(entry for entry in elsewhere if entry is not None and is_original(world, entry))


def parents_of(world: World, child: Entry) -> tuple[Entry, ...]:
    """The originals that a child can mean: the one on its own chain, which its contract would use, else all others."""
    if child.dependency is None:
        return ()
    near = world.entries.get((child.chain, child.dependency))
    if near is not None and is_original(world, near):
        return (near,)
    return originals(world, child.dependency, outside=child.chain)


def proof(world: World, parent: Entry, *, executed: bool) -> BlockId | None:
    """The final block in which a parent reached what is asked; None while there is none, or after it expired."""
    if parent.end_state == "EXPIRED":
        return None
    blocks = (parent.ended,) if executed else (parent.ready, parent.ended)
    return next((block for block in blocks if block is not None and block in world.final), None)


def standing(world: World, child: Entry, *, executed: bool) -> Standing:
    """Whether the parent is READY or EXECUTED (`executed`: only that) in a final, canonical block.

    Where an id has originals on several other chains all must stand, for the contract cannot say which is meant.
    A chain that could not be scanned in this poll makes the answer unknown: what was known of it may be orphaned.
    Finality is asked of a parent on the child's own chain too: a reorg may bring the two back in another order.
    """
    parents = parents_of(world, child)
    same_chain = bool(parents) and parents[0].chain == child.chain
    if not parents:
        return Standing("no" if all(chain.fresh for chain in world.chains.values()) else "unknown")
    if not all(world.chains[parent.chain].fresh for parent in parents):
        return Standing("unknown", parents, same_chain=same_chain)
    proofs = [proof(world, parent, executed=executed) for parent in parents]
    needs = tuple(block for block in proofs if block is not None)
    return Standing("yes" if len(needs) == len(parents) else "no", parents, needs, same_chain)


def fits(world: World, mirror: Entry, parents: tuple[Entry, ...]) -> bool:
    """True for the mirror of one of these parents: origin, payload and target as a relayer would have made it."""
    return (
        mirror.dependency is None
        and mirror.target == world.chains[mirror.chain].rollup
        and any(
            mirror.origin == parent.origin and parent.payload is not None and mirror.payload == parent.payload
            for parent in parents
        )
    )
