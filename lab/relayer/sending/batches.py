"""Which of the calls wanted now go together: into one call of a batch entry point, or at least into one request.

Only of a backlog: below `BACKLOG` calls of a kind each is made by itself, in the order in which they are wanted.
Executions of what is not READY yet go in batches, behind everything else, or wait.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec
from lab.model.contract.batches import BATCHES
from lab.relayer.memory.records import Action, Kind

BACKLOG = 16
# As many as the reference contract takes; what takes fewer refuses more, and that is learnt.
SIZES: dict[Kind, int] = {"mirror": 32, "resolve": 64, "execute": 64}
# No more than a small part of a block, and below the 16,777,216 of EIP-7825.
GAS_MAX = 12_000_000
BLOCK_SHARE = 4
# So many batches go by one estimate.
USES_MAX = 64


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """A function of the contract that does for a list of arguments what `single` does for one."""

    function: str
    single: str

    def data(self, codec: Codec, actions: Sequence[Action]) -> str:
        """Call data for actions of the single function, in this order."""
        items: list[Any] = [action.args if len(action.args) > 1 else action.args[0] for action in actions]
        return codec.encode(self.function, [items])


@dataclass(slots=True)
class _Learnt:
    """What one call of a batch was estimated to take, with so many words of call data that are not zero."""

    gas: int
    words: float
    uses: int = 0


class Batches:
    """The contract's batch entry points, and how many calls each takes at once, by kind and chain."""

    def __init__(self, codec: Codec) -> None:
        points = {single: EntryPoint(batch, single) for batch, single in BATCHES.items() if _fits(codec, batch, single)}
        functions = {"mirror": "buffer_transaction", "resolve": "resolve_dependency", "execute": "mark_executed"}
        self.points: dict[str, EntryPoint] = {
            kind: points[single] for kind, single in functions.items() if single in points
        }
        self._sizes: dict[tuple[str, str], int] = {}
        self._learnt: dict[tuple[str, str], _Learnt] = {}

    def takes_at_most(self, chain: str, kind: Kind, size: int) -> None:
        """The contract took two halves of a batch that it had refused as a whole."""
        self._sizes[chain, kind] = max(1, size)

    def estimated(self, chain: str, kind: Kind, size: int, data: str, estimate: int) -> None:
        """A node has estimated a batch."""
        self._learnt[chain, kind] = _Learnt(-(-estimate // size), _words(data) / size)

    def gas(self, chain: str, kind: Kind, size: int, data: str) -> int | None:
        """What a batch takes by the last estimate of one; None where it has more to store, or that is long ago.

        An estimate executes the call several times, and costs a node eight times what a call does.
        """
        learnt = self._learnt.get((chain, kind))
        if learnt is None or _words(data) / size > learnt.words or learnt.uses >= USES_MAX:
            return None
        learnt.uses += 1
        return learnt.gas * size

    def groups(self, actions: Iterable[Action], grouped: Callable[[Action], bool]) -> list[tuple[Action, ...]]:
        """The actions, those of a backlog together, the others each by itself.

        `grouped`: whether an action is to be made now, and there is any use in having it together with others.
        """
        wanted = [(action, grouped(action)) for action in actions]
        ahead: dict[str, list[Action]] = {}
        for action, together in wanted:
            if action.ahead and together:
                ahead.setdefault(action.chain, []).append(action)
        wanted = [(action, together) for action, together in wanted if not action.ahead]
        counts = Counter((action.chain, action.kind) for action, together in wanted if together)
        groups: list[tuple[Action, ...]] = []
        waiting: dict[tuple[str, Kind], list[Action]] = {}
        for action, together in wanted:
            key = action.chain, action.kind
            if not together or counts[key] < BACKLOG:
                groups.append((action,))
                continue
            group = waiting.setdefault(key, [])
            group.append(action)
            if len(group) >= self._sizes.get(key, SIZES[action.kind]):
                groups.append(tuple(waiting.pop(key)))
        groups += [tuple(group) for group in waiting.values()]
        for chain, behind in ahead.items():
            size = self._sizes.get((chain, "execute"), SIZES["execute"])
            parts = [tuple(behind[start : start + size]) for start in range(0, len(behind), size)]
            groups += [part for part in parts if len(part) >= BACKLOG]
        return groups


def _words(data: str) -> int:
    """How many words of call data are not zero: about as many a contract stores, which is what costs."""
    return sum(data[place : place + 64].strip("0") != "" for place in range(10, len(data), 64))


def _fits(codec: Codec, batch: str, single: str) -> bool:
    """Whether a batch entry point takes a list of what the single function takes, in the same order."""
    if not codec.has(batch, single) or not codec.shaped.isdisjoint((batch, single)):
        return False
    own, inputs = codec.types(single), codec.functions[batch]["inputs"]
    item = own[0] if len(own) == 1 else f"({','.join(own)})"
    if codec.types(batch) != [f"{item}[]"]:
        return False
    fields = [str(field.get("name", "")) for field in inputs[0].get("components", ())]
    known = codec.parameters(single)
    # The same fields in another order, as two addresses can be, are no list of its arguments.
    return fields == known or sorted(fields) != sorted(known)
