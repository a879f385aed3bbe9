"""A sequence of calls, what blocks it is played in, and how people are shown it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lab.coordinator import role_account, rollup_address
from lab.coordinator.accounts import ROLES
from lab.coordinator.reads import ZERO_ID
from lab.model.contract.batches import BATCHES
from lab.networks import BUILT_IN, load_network

# A rollup is mostly a contract on its own chain; here one stands at this address.
CONTRACT = rollup_address("contract")


@dataclass(frozen=True, slots=True)
class Block:
    """What blocks are like: how far apart in number, what gas costs in wei, of which chain id if not the node's own."""

    apart: int = 1
    gas_price: int = 0
    chain_id: int | None = None

    def __str__(self) -> str:
        if self.chain_id is not None:
            names = [name for name in BUILT_IN if load_network(name).chain_id == self.chain_id]
            return f"with chain id {self.chain_id} ({', '.join(names) or 'of no known network'}), and so its deployment"
        return f"{self.apart:,} apart in number, gas at {self.gas_price:,} wei"


USUAL = Block()


class Due(int):
    """A timestamp in seconds since the sequence's start; a plain int is absolute."""


@dataclass(frozen=True, slots=True)
class Step:
    """One call, `at` seconds after the sequence's start. Steps of one second share a block. `sender` is an address.

    `mark` is for kinds that are judged by what they measure: what a step is among those that are compared.
    """

    at: int
    sender: str
    function: str
    args: tuple[Any, ...]
    mark: int = 0


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps of one kind, as a seed drew them.

    Between the first `sparse` of them few views are read; after each step all are, where it is `thorough`. At the end
    all are, unless it is `cut` where it differs.
    """

    kind: str
    seed: int
    steps: tuple[Step, ...]
    labels: dict[str, str]
    sparse: int = 0
    thorough: bool = False
    cut: bool = False
    block: Block = USUAL

    def lines(self) -> list[str]:
        """The calls for people, one a line."""
        odd = [f"blocks: {self.block}"] if self.block != USUAL else []
        calls = [f"+{step.at} s {self._name(step.sender)}: {step.function}({self._shown(step)})" for step in self.steps]
        return [*odd, *calls]

    def _shown(self, step: Step) -> str:
        return ", ".join(self._text(value) for value in step.args)

    def _text(self, value: Any) -> str:
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(map(self._text, value)) + "]"
        if isinstance(value, Due):
            return f"+{int(value)} s"
        if isinstance(value, int):
            return str(value) if value < 2**31 else _power(value)
        return self._name(value)

    def _name(self, value: str) -> str:
        roles = {role_account(role).address: role for role in ROLES}
        rollups = {rollup_address(name): f"rollup {name}" for name in "abc"} | {CONTRACT: "a contract"}
        known = {ZERO_ID: "no dependency"} | rollups | roles | self.labels
        return known.get(value) or (value if len(value) <= 14 else f"{value[:10]}… ({len(value) // 2 - 1} bytes)")


def singles(step: Step) -> list[Step]:
    """What a batch is made of, in its order; another call is itself."""
    function = BATCHES.get(step.function)
    if function is None:
        return [step]
    parts = (part if isinstance(part, tuple) else (part,) for part in step.args[0])
    return [replace(step, function=function, args=args) for args in parts]


def strings_of(value: Any) -> Iterator[str]:
    """Every string in arguments, however deep in lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from strings_of(part)


def _power(value: int) -> str:
    """A large number as a power of two and what is beside it."""
    exponent = max(value.bit_length() - 1, 0)
    if value - 2**exponent > 2 ** (exponent - 1):
        exponent += 1
    beside = value - 2**exponent
    return f"2**{exponent}" + (f" {'+' if beside > 0 else '-'} {abs(beside)}" if beside else "")
