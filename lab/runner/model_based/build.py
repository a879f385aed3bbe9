"""The builder that kinds write sequences down with."""

from __future__ import annotations

from collections.abc import Sequence as Several
from dataclasses import dataclass, field
from random import Random
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.accounts import ROLES
from lab.coordinator.reads import ZERO_ID
from lab.runner.model_based.sequence import USUAL, Block, Due, Step

PAIRS = tuple((rollup_address(origin), rollup_address(target)) for origin, target in ("ab", "ba", "ac", "cb"))

# The share of changes of an operator in which a second role changes with it.
BESIDE = 0.8
WINDOWS = (5, 6, 29, 31, 60, 299, 300)


@dataclass(frozen=True, slots=True)
class Traits:
    """What sequences for a contract may use.

    Attributes:
        functions: What the contract has, by documented names.
        per_block: How many calls it takes in one block.
        gap_blocks: Blocks that it wants between a buffering and its resolution.
        payload_max: Bytes of payload that it takes.
        horizon_s: How far ahead a timestamp may lie; None where it has declared no such limit.
        window_s: The coordination window that it was set up with.
        start: When a sequence starts, in seconds since 1970.
        second_roles: Roles beside the operator's, which some operator functions ask for instead.
        bounded: Whether it has declared how many operators it takes.
    """

    functions: frozenset[str]
    per_block: int = 16
    gap_blocks: int = 0
    payload_max: int = 512
    horizon_s: int | None = None
    window_s: int = 30
    start: int = 0
    second_roles: tuple[str, ...] = ()
    bounded: bool = False


@dataclass
class Builder:
    """Writes steps down in the order of time. `now` is the second of the next one, `mark` as in `Step`.

    `sparse` and `cut` as in `Sequence`.
    """

    rng: Random
    traits: Traits
    number: int
    now: int = 10
    steps: list[Step] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    sparse: int = 0
    block: Block = USUAL
    mark: int = 0
    cut: bool = False
    _in_block: int = 0

    def has(self, *functions: str) -> bool:
        return self.traits.functions.issuperset(functions)

    def pick(self, options: Several[Any]) -> Any:
        """One of them, in turn from seed to seed, so that few seeds try all."""
        return options[self.number % len(options)]

    def wait(self, seconds: int) -> None:
        self.now += seconds
        if seconds:
            self._in_block = 0

    def until(self, second: int) -> None:
        """Go on at this second, or now where that is past."""
        if second > self.now:
            self.wait(second - self.now)

    def new_id(self, label: str | None = None, tx_id: str | None = None) -> str:
        """An id that no other transaction of the sequence has, and what messages call it."""
        tx_id = tx_id or "0x" + self.rng.randbytes(32).hex()
        self.labels[tx_id] = label or f"tx{len(self.labels) + 1}"
        return tx_id

    def near(self, value: str, position: int) -> str:
        """An id or an address that differs in one byte."""
        raw = bytearray.fromhex(value.removeprefix("0x"))
        raw[position] ^= self.rng.randint(1, 255)
        changed = "0x" + raw.hex()
        self.labels[changed] = f"{self.labels.get(value, 'it')} with byte {position} changed"
        return changed

    def with_byte(self, tx_id: str, position: int, value: int) -> str:
        """The id with one byte at this value."""
        raw = bytearray.fromhex(tx_id.removeprefix("0x"))
        raw[position] = value
        changed = "0x" + raw.hex()
        self.labels[changed] = f"{self.labels.get(tx_id, 'it')} with byte {position} at {value}"
        return changed

    def turn(self, bits: int, *, after: int) -> int:
        """The first second after this one at which the low bits of the time are zero."""
        return after + -(self.traits.start + after) % (1 << bits)

    def flipped(self, tx_id: str, bit: int) -> str:
        """An id that differs in one bit."""
        changed = f"0x{int(tx_id, 16) ^ 1 << bit:064x}"
        self.labels[changed] = f"{self.labels.get(tx_id, 'it')} with bit {bit} changed"
        return changed

    def call(self, function: str, *args: Any, sender: str = "operator") -> None:
        """One call by a role or an address. A function that the contract lacks is left out."""
        if not self.has(function):
            return
        if self._in_block >= self.traits.per_block:
            self.wait(1)
        self.steps.append(Step(self.now, self.address(sender), function, args, self.mark))
        self._in_block += 1

    def address(self, sender: str) -> str:
        """The address of a role, or the address itself."""
        return role_account(sender).address if sender in ROLES else sender

    def owner(self, function: str, *args: Any) -> None:
        """One call by the owner; who becomes or ceases to be an operator mostly takes or loses second roles, too."""
        self.call(function, *args, sender="owner")
        verb, _, role = function.partition("_")
        for second in self.traits.second_roles if role == "operator" else ():
            if self.rng.random() < BESIDE:
                self.call(f"{verb}_{second}", *args, sender="owner")

    def buffer(
        self,
        due: int,
        *,
        tx_id: str | None = None,
        after: str = ZERO_ID,
        pair: tuple[str, str] | None = None,
        payload: str | None = None,
        sender: str = "operator",
    ) -> str:
        """Buffer one; its id. `pair` are addresses, drawn where none are given."""
        request = self.request(due, tx_id=tx_id, after=after, pair=pair, payload=payload)
        self.call("buffer_transaction", *request, sender=sender)
        return str(request[0])

    def request(
        self,
        due: int,
        *,
        tx_id: str | None = None,
        after: str = ZERO_ID,
        pair: tuple[str, str] | None = None,
        payload: str | None = None,
    ) -> tuple[Any, ...]:
        """Arguments of a buffering; what is not given is drawn."""
        origin, target = pair or self.rng.choice(PAIRS)
        body = payload if payload is not None else "0x" + self.rng.randbytes(self.rng.choice((0, 1, 31, 32, 33))).hex()
        return (tx_id or self.new_id(), origin, target, body, after, due)

    def resolve(self, tx_id: str, sender: str = "operator") -> None:
        self.call("resolve_dependency", tx_id, sender=sender)

    def execute(self, tx_id: str, sender: str = "operator") -> None:
        self.call("mark_executed", tx_id, sender=sender)

    def ahead(self) -> Due:
        """A timestamp that is near, or hours ahead where the contract goes that far."""
        far_s = min(7_200, self.traits.horizon_s or 7_200)
        return Due(self.now + self.rng.choice((9, far_s)))

    def ready(self, **other: Any) -> str:
        """One that is READY from here on; time passes."""
        tx_id = self.buffer(Due(self.now + 4), **other)
        self.wait(5)
        self.resolve(tx_id)
        return tx_id
