"""What the production checklist demands of a contract beyond the documented interface: one record for each capability.

Expectations have three layers. *Documented*: interface and rules that every coordinator must have
(`lab.coordinator.documented`). *Demanded*: the capabilities here; a contract that lacks one is not exercised there, and
the checklist's rows about it stay open. *Reference's own*: whatever else the reference contract does; nobody else has
to.
Functions and events are written as `name(type parameter, ...) -> type`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

CapabilityName = Literal["stop", "breaker", "expiry", "handover", "deadline", "batch"]
NAMES: tuple[CapabilityName, ...] = get_args(CapabilityName)

TX = "bytes32 tx_id"
REQUEST = "(bytes32,address,address,bytes,bytes32,uint256)[]"


@dataclass(frozen=True, slots=True)
class Capability:
    """One capability: a contract has it when it has all of its `functions`; the `optional` ones are used where present.

    `rules` say what the lab expects of a contract that has it; `reverts` are looked for in no contract, and `defaults`
    are what a fresh contract starts with unless `lab.yaml` declares another value (setting -> value).
    """

    name: CapabilityName
    title: str
    rules: str
    functions: tuple[str, ...]
    optional: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    reverts: tuple[str, ...] = ()
    defaults: tuple[tuple[str, int], ...] = ()
    includes: tuple[CapabilityName, ...] = ()

    @property
    def function_names(self) -> tuple[str, ...]:
        """Names of the functions that make it up."""
        return tuple(function.partition("(")[0] for function in self.functions)

    @property
    def all_names(self) -> tuple[str, ...]:
        """Names of all its functions, those that it need not have among them."""
        return tuple(function.partition("(")[0] for function in (*self.functions, *self.optional))


_ALL = (
    Capability(
        name="stop",
        title="emergency stop",
        rules="While paused no operator function succeeds; owner functions and views do. Only the owner pauses and "
        "lifts the stop.",
        functions=("pause()", "unpause()", "paused() -> bool"),
        events=("EmergencyStop(address caller, string reason)", "EmergencyStopLifted(address caller)"),
        reverts=(
            "Only owner can pause",
            "Only owner can unpause",
            "Coordinator is paused",
            "Coordinator is not paused",
        ),
    ),
    Capability(
        name="breaker",
        title="circuit breaker",
        rules="Expiries and failed executions are counted in calls that succeed; at the threshold within one period "
        "the contract pauses itself (`EmergencyStop`, `Failure threshold reached`). Lifting the stop resets the count. "
        "A period starts with its first failure; threshold 0 switches the automatic stop off.",
        functions=("breaker_threshold() -> uint256",),
        optional=(
            "failure_count() -> uint256",
            "set_breaker_threshold(uint256 threshold)",
            "breaker_tripped() -> bool",
            "reset_breaker()",
        ),
        events=("BreakerThresholdSet(uint256 threshold)",),
        reverts=("Only owner can set threshold",),
        defaults=(("breaker_threshold", 25), ("breaker_period", 3600)),
        includes=("stop",),
    ),
    Capability(
        name="expiry",
        title="end state of expired transactions",
        rules="A transaction past its window ends as EXPIRED (`TransactionFailed`, `Transaction expired`), by a "
        "resolve or by this function; `mark_failed` ends a READY one (`Execution failed`). EXPIRED is final.",
        functions=(f"expire_transaction({TX})",),
        optional=(f"mark_failed({TX})",),
        reverts=("Transaction not expired",),
    ),
    Capability(
        name="handover",
        title="hand-over of ownership",
        rules="The owner proposes, the proposed account accepts; nothing changes before. A later proposal replaces an "
        "earlier one. Operators stay as they are.",
        functions=("propose_owner(address new_owner)", "accept_ownership()"),
        optional=("pending_owner() -> address",),
        events=(
            "OwnershipProposed(address current, address pending)",
            "OwnershipTransferred(address previous, address current)",
        ),
        reverts=("Only owner can propose owner", "Only pending owner can accept"),
    ),
    Capability(
        name="deadline",
        title="deadline of execution",
        rules="With an execution window above 0 a READY transaction can be executed until timestamp + coordination "
        "window + execution window, and expire after that; 0 means no deadline.",
        functions=("execution_window() -> uint256", "set_execution_window(uint256 window_seconds)"),
        events=("ExecutionWindowSet(uint256 window)",),
        reverts=("Execution deadline passed", "Only owner can set execution window"),
        defaults=(("execution_window", 0),),
    ),
    Capability(
        name="batch",
        title="batches",
        rules="A batch does what its single calls would do in their order, and reverts whole where one of them would. "
        "One that trips the breaker ends there.",
        functions=(
            f"buffer_batch({REQUEST} requests)",
            "resolve_batch(bytes32[] tx_ids)",
            "execute_batch(bytes32[] tx_ids)",
        ),
    ),
)
CAPABILITIES: dict[str, Capability] = {capability.name: capability for capability in _ALL}


def offered(names: Iterable[str]) -> tuple[str, ...]:
    """The capabilities, in the vocabulary's order, that these names mean: a breaker is an emergency stop, too."""
    given = set(names)
    given |= {part for name in given if name in CAPABILITIES for part in CAPABILITIES[name].includes}
    return tuple(name for name in NAMES if name in given)


def recorded(names: Iterable[str]) -> tuple[str, ...]:
    """The shortest list that `offered` completes again: as histories have it."""
    given = offered(names)
    inside = {part for name in given for part in CAPABILITIES[name].includes}
    return tuple(name for name in given if name not in inside)
