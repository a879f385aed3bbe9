"""A contract on the bench and what was found of it so far: the part that all trials share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.coordinator.documented import FUNCTIONS
from lab.deploy.proposal.bench import OPERATOR, OWNER, Bench, Outcome, Use
from lab.deploy.proposal.candidates import Candidates

ORIGIN, TARGET = "0x" + "1a" * 20, "0x" + "2b" * 20
PAYLOAD, ZERO_ID, ZERO_ADDRESS = "0x" + "ab" * 64, "0x" + "00" * 32, "0x" + "00" * 20
LEAD_S, INSIDE_S, PAST_S = 60, 3, 900
TX = [("tx_id", "bytes32")]


def id_of(number: int) -> str:
    """An id that nothing else has."""
    return f"0x{0x7E57 << 128 | number:064x}"


@dataclass(frozen=True)
class Role:
    """What gives a role, what takes it, what says who holds it, and the steps that ask for it."""

    grant: Use
    revoke: Use | None
    has: Use | None
    held: Any
    steps: tuple[str, ...]


@dataclass
class Tried:
    """What came of the trials so far: what the contract calls the lab's functions, and its operators' roles."""

    bench: Bench
    candidates: Candidates
    reasons: Callable[[str], str | None]
    uses: dict[str, Use] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    roles: list[Role] = field(default_factory=list)

    def said(self, name: str, use: Use | None, why: str) -> None:
        """One function that was found, and how."""
        if use is not None:
            self.uses[name], self.why[name] = use, why

    def give_roles(self) -> None:
        """Make the operator one, with every second role."""
        for role in self.roles:
            self.bench.send(role.grant, OWNER, operator=OPERATOR)

    def reason(self, outcome: Outcome) -> str:
        """Why a call was refused, in the contract's words."""
        return "" if outcome.done else self.reasons(outcome.data) or ""

    def request(self, number: int, **other: Any) -> dict[str, Any]:
        """Values of a buffering."""
        given = {"tx_id": id_of(number), "origin_rollup": ORIGIN, "target_rollup": TARGET, "payload": PAYLOAD}
        return given | {"dependency_tx_id": ZERO_ID, "timestamp": self.bench.now + LEAD_S} | other

    def buffers(self, sender: str, use: Use | None = None, **other: Any) -> bool:
        """Whether an account could buffer now."""
        return self.bench.ask(use or self.uses["buffer_transaction"], sender, **self.request(99, **other)).done

    def buffer(self, number: int, **other: Any) -> Outcome:
        """A new transaction by the operator."""
        return self.bench.send(self.uses["buffer_transaction"], OPERATOR, **self.request(number, **other))

    def asked(self, name: str, sender: str = OPERATOR, **values: Any) -> Outcome:
        """A function that was found, without a trace."""
        return self.bench.ask(self.uses[name], sender, **values)

    def sent(self, name: str, sender: str = OPERATOR, **values: Any) -> Outcome:
        """A function that was found."""
        return self.bench.send(self.uses[name], sender, **values)

    def calls(self, name: str, *, extra: bool = True) -> list[Use]:
        """What may stand for a documented function, without what stands for another one already."""
        known = self.candidates.documented(name)
        if known is not None:
            return known
        taken = {use.signature for use in self.uses.values() if not use.constants}
        uses = self.candidates.calls(FUNCTIONS[name].parameters, extra=extra)
        free = [use for use in uses if use.signature not in taken and use.name not in FUNCTIONS]
        return sorted(free, key=lambda use: not use.agrees(self.uses.get("buffer_transaction")))
