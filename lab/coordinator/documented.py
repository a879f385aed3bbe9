"""The coordinator's interface as documented, and the capabilities that the lab knows: the names all else goes by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.model.contract.capabilities import CAPABILITIES, TX

Part = Literal["documented", "stop", "breaker", "expiry", "handover", "deadline", "batch", "reference"]


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
    signatures = [_parsed(line, part) for part, several in lines.items() for line in several]
    return {signature.name: signature for signature in signatures}


FUNCTIONS: dict[str, Signature] = _table(
    {
        "documented": [
            f"buffer_transaction({TX}, address origin_rollup, address target_rollup, bytes payload, "
            "bytes32 dependency_tx_id, uint256 timestamp)",
            f"resolve_dependency({TX})",
            f"mark_executed({TX})",
            f"is_transaction_ready({TX}) -> bool",
            f"get_transaction_state({TX}) -> uint256",
            f"get_transaction_details({TX}) -> address, address, bytes32, uint256, uint256",
            "add_operator(address operator)",
            "remove_operator(address operator)",
            "set_coordination_window(uint256 window_seconds)",
            "owner() -> address",
            "authorized_operators(address operator) -> bool",
            f"transactions({TX})",
            "transaction_count() -> uint256",
            "coordination_window() -> uint256",
        ],
        **{capability.name: (*capability.functions, *capability.optional) for capability in CAPABILITIES.values()},
    }
)

EVENTS: dict[str, Signature] = _table(
    {
        "documented": [
            f"TransactionBuffered({TX}, address origin_rollup, address target_rollup, uint256 timestamp)",
            f"TransactionReady({TX})",
            f"TransactionFailed({TX}, string reason)",
        ],
        **{capability.name: capability.events for capability in CAPABILITIES.values()},
    }
)

# The reference's own: events of admin functions that neither the documentation nor the checklist asks for.
EXTRA_EVENTS: dict[str, Signature] = _table(
    {
        "reference": [
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

# Reasons that a contract with a capability gives; another one never has to.
CAPABILITY_REVERTS: tuple[str, ...] = tuple(text for capability in CAPABILITIES.values() for text in capability.reverts)


def same_types(documented: Sequence[str], actual: Sequence[str]) -> bool:
    """Whether types agree; a state's number may be a uint of any width."""
    return len(documented) == len(actual) and all(_same(*pair) for pair in zip(documented, actual, strict=True))


def _same(documented: str, actual: str) -> bool:
    return documented == actual or (documented == "uint256" and actual.startswith("uint") and "[" not in actual)


STORED = {
    "origin_rollup": "address",
    "target_rollup": "address",
    "payload": "bytes",
    "dependency_tx_id": "bytes32",
    "timestamp": "uint256",
    "state": "uint256",
}
RESULTS: dict[str, tuple[str, ...]] = {
    "transactions": tuple(STORED),
    "get_transaction_details": ("origin_rollup", "target_rollup", "dependency_tx_id", "timestamp", "state"),
    "get_transaction_state": ("state",),
}


def result_names(function: str) -> tuple[str, ...]:
    """The documented names of a function's results; `value` where there is one without a name."""
    return RESULTS.get(function, ("value",))


def known_parameters(
    signature: Signature | None, inputs: Sequence[Mapping[str, Any]], types: Sequence[str]
) -> list[str]:
    """The names of parameters as the documentation has them, else the contract's own.

    By their names where all documented ones are there, in whatever order; else by position where the types agree.
    """
    own = [str(parameter["name"]) for parameter in inputs]
    if signature is None:
        return own
    documented = [name for name, _ in signature.parameters]
    if not set(documented) <= set(own) and same_types(signature.types, types):
        return documented
    return own
