"""A call to be made, what became of it, and the protocol of whoever makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from eth_utils.crypto import keccak

from lab.live.planning.fees import GAS_ROOM
from lab.ops.chain import OperatedChain

# A batch has thousands of letters.
STEP_LENGTH_MAX = 200
Outcome = Literal["confirmed", "proposed", "refused", "unknown"]


@dataclass(frozen=True, slots=True)
class Call:
    """One call: `function` and `args` by their documented names and order, `data` as the contract takes it.

    `to` is an address in lower case, `value` in wei. What is `urgent` waits for nothing that was proposed before.
    `not_after`: the block time from which on it is not sent any more. `gas_room`: see `Step`.
    """

    chain: str
    chain_id: int
    to: str
    function: str
    args: tuple[Any, ...]
    data: str = field(repr=False)
    value: int = 0
    urgent: bool = False
    not_after: int | None = None
    gas_room: float = GAS_ROOM

    @property
    def step(self) -> str:
        """What the journal calls it: short, and another for other arguments or another contract."""
        if len(self.text) <= STEP_LENGTH_MAX:
            return f"{self.text} of {self.to}"
        return f"{self.function} {keccak(text=self.data).hex()[:16]} of {self.to}"

    @property
    def text(self) -> str:
        """`add_operator(0x...)`: for people, for the journal and the audit log."""
        return f"{self.function}({', '.join(str(arg) for arg in self.args)})"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call.

    `confirmed`: `tx` is in the final block `block`. `proposed`: `path` was written, for others to sign. `refused`: it
    has no effect, and `reason` says why. `unknown`: it may or may not take effect; `reason` says what to do.
    `again`: somebody else's transaction of the same account came first, so it can be made once more. `late`: it was not
    sent, since its `not_after` had come.
    """

    call: Call
    outcome: Outcome
    tx: str | None = None
    block: int | None = None
    path: Path | None = None
    reason: str | None = None
    again: bool = False
    late: bool = False


class Executor(Protocol):
    """Carries calls out. Safe for several threads, one of them for each chain.

    `described` is fit to be shown. `sends`: the calls take effect by its doing alone; else others sign or send.
    """

    described: str
    sends: bool

    def sender(self, chain: OperatedChain) -> str:
        """The address that the contract sees as the caller there, in lower case: calls are simulated from it."""

    def execute(self, chain: OperatedChain, calls: Sequence[Call]) -> list[Result]:
        """One result for each call, in order. Raises nothing of what a chain or a signer can do: it is a result."""


def left_to_others(what: str, results: Sequence[Result]) -> list[str]:
    """What to say of calls that were written down for others; nothing where there are none."""
    proposed = [result for result in results if result.outcome == "proposed"]
    if not proposed:
        return []
    where = ", ".join(dict.fromkeys(str(result.path) for result in proposed if result.path is not None))
    return [f"{what}: {len(proposed)} calls are left to others ({where}): run the command again once they are done"]
