"""What a relayer is put together from. Whoever wants another one (tests do, to see a bug caught) replaces a part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lab.model.chain.finality import Finality
from lab.relayer.deciding import decisions as core
from lab.relayer.deciding.parents import Answer
from lab.relayer.memory.ledger import Ledger
from lab.relayer.memory.records import Action, BlockId, Head, Job, Mark, World
from lab.relayer.memory.store import Store
from lab.relayer.reading.chain import Chain
from lab.relayer.reading.completeness import check_complete
from lab.relayer.reading.finality import FinalityJudge
from lab.relayer.reading.scan import Scan, scan
from lab.relayer.sending.caller import Caller
from lab.relayer.sending.sender import Sender
from lab.rpc import Rpc


class Core(Protocol):
    """The decisions, as `lab.relayer.deciding.decisions` makes them."""

    def decide(self, world: World) -> list[Action]:
        """All calls wanted now."""

    def questions(self, world: World) -> list[BlockId]:
        """The blocks whose finality would change a decision."""

    def justified(self, world: World, job: Job) -> tuple[Answer, tuple[BlockId, ...]]:
        """Whether a call already under way may still be sent."""

    def pending(self, world: World) -> bool:
        """Whether anything may still need a call."""


@dataclass(frozen=True, slots=True)
class Parts:
    """One part for each concern; each takes what the reference's own takes. `batches`: whether batch calls are made."""

    core: Core = core
    scan: Callable[[Rpc, str, list[Mark], int], tuple[Head, Scan | None]] = scan
    complete: Callable[[Chain, Scan], None] = check_complete
    judge: Callable[[Rpc, Finality, int], FinalityJudge] = FinalityJudge
    ledger: type[Ledger] = Ledger
    store: type[Store] = Store
    caller: type[Caller] = Caller
    sender: type[Sender] = Sender
    batches: bool = True


REFERENCE = Parts()
