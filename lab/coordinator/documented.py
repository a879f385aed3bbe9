"""The coordinator's interface as documented, and the optional parts that the lab knows: the names all else goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Part = Literal["documented", "breaker", "expiry", "handover", "deadline", "batch"]


@dataclass(frozen=True, slots=True)
class Signature:
    """One function or event. Types are those of the ABI; `uint256` stands for a state whatever its width."""

    name: str
    parameters: tuple[tuple[str, str], ...]
    returns: tuple[str, ...] = ()
    part: Part = "documented"

    @property
    def types(self) -> tuple[str, ...]:
        """The parameters' types."""
        return tuple(kind for _, kind in self.parameters)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(self.types)})"


def _parsed(text: str, part: Part) -> Signature:
    """Read `name(type name, ...) -> type, ...`."""
    head, _, tail = text.partition(" -> ")
    name, _, inside = head.rstrip(")").partition("(")
    pairs = [parameter.split(" ") for parameter in inside.split(", ") if parameter]
    return Signature(
        name,
        tuple((given, kind) for kind, given in pairs),
        tuple(tail.split(", ")) if tail else (),
        part,
    )


def _table(lines: Mapping[Part, Sequence[str]]) -> dict[str, Signature]:
    found = [_parsed(line, part) for part, several in lines.items() for line in several]
    return {signature.name: signature for signature in found}


_TX = "bytes32 tx_id"
_REQUEST = "(bytes32,address,address,bytes,bytes32,uint256)[]"

FUNCTIONS: dict[str, Signature] = _table(
    {
        "documented": [
            f"buffer_transaction({_TX}, address origin_rollup, address target_rollup, bytes payload, "
            "bytes32 dependency_tx_id, uint256 timestamp)",
            f"resolve_dependency({_TX})",
            f"mark_executed({_TX})",
            f"is_transaction_ready({_TX}) -> bool",
            f"get_transaction_state({_TX}) -> uint256",
            f"get_transaction_details({_TX}) -> address, address, bytes32, uint256, uint256",
            "add_operator(address operator)",
            "remove_operator(address operator)",
            "set_coordination_window(uint256 window_seconds)",
            "owner() -> address",
            "authorized_operators(address operator) -> bool",
            f"transactions({_TX})",
            "transaction_count() -> uint256",
            "coordination_window() -> uint256",
        ],
        "breaker": [
            "pause()",
            "unpause()",
            "paused() -> bool",
            "breaker_threshold() -> uint256",
            "failure_count() -> uint256",
            "set_breaker_threshold(uint256 threshold)",
        ],
        "expiry": [f"expire_transaction({_TX})", f"mark_failed({_TX})"],
        "handover": ["propose_owner(address new_owner)", "accept_ownership()", "pending_owner() -> address"],
        "deadline": ["execution_window() -> uint256", "set_execution_window(uint256 window_seconds)"],
        "batch": [
            f"buffer_batch({_REQUEST} requests)",
            "resolve_batch(bytes32[] tx_ids)",
            "execute_batch(bytes32[] tx_ids)",
        ],
    }
)

EVENTS: dict[str, Signature] = _table(
    {
        "documented": [
            f"TransactionBuffered({_TX}, address origin_rollup, address target_rollup, uint256 timestamp)",
            f"TransactionReady({_TX})",
            f"TransactionFailed({_TX}, string reason)",
        ],
        "breaker": [
            "EmergencyStop(address caller, string reason)",
            "EmergencyStopLifted(address caller)",
            "BreakerThresholdSet(uint256 threshold)",
        ],
        "handover": [
            "OwnershipProposed(address current, address pending)",
            "OwnershipTransferred(address previous, address current)",
        ],
        "deadline": ["ExecutionWindowSet(uint256 window)"],
    }
)

# Events of admin functions that the documentation does not ask for; no part is lacking without them.
EXTRA_EVENTS: dict[str, Signature] = _table(
    {
        "documented": [
            "OperatorAdded(address operator)",
            "OperatorRemoved(address operator)",
            "CoordinationWindowSet(uint256 window)",
        ]
    }
)

REVERTS: tuple[str, ...] = (
    "Not authorized",
    "Only owner can add operators",
    "Only owner can remove operators",
    "Only owner can set window",
    "Invalid transaction ID",
    "Invalid origin rollup",
    "Invalid target rollup",
    "Origin and target must be different",
    "Timestamp cannot be in the past",
    "Transaction already exists",
    "Transaction not in buffered state",
    "Transaction not ready",
    "Window must be between 5 and 300 seconds",
)
FAILURE_REASONS: tuple[str, ...] = ("Transaction expired", "Dependencies not satisfied")

# Functions that make up each optional part: a contract has it when it has all of these.
CAPABILITIES: dict[str, tuple[str, ...]] = {
    "breaker": ("pause", "unpause", "paused", "breaker_threshold", "failure_count"),
    "expiry": ("expire_transaction",),
    "handover": ("propose_owner", "accept_ownership"),
    "deadline": ("set_execution_window", "execution_window"),
    "batch": ("buffer_batch", "resolve_batch", "execute_batch"),
}


def same_types(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Whether types agree; a state's number may be a uint of any width."""
    return len(wanted) == len(found) and all(_same(*pair) for pair in zip(wanted, found, strict=True))


def _same(wanted: str, found: str) -> bool:
    return wanted == found or (wanted == "uint256" and found.startswith("uint") and "[" not in found)


def known_parameters(
    signature: Signature | None, inputs: Sequence[Mapping[str, Any]], types: Sequence[str]
) -> list[str]:
    """The names of parameters as the documentation has them where the types agree, else the contract's own."""
    if signature is not None and same_types(signature.types, types):
        return [name for name, _ in signature.parameters]
    return [str(parameter["name"]) for parameter in inputs]
