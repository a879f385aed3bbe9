"""Finds the contract's words for the documented refusals: each is provoked once, and what comes is the reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator.documented import FAILURE_REASONS
from lab.coordinator.outputs.reverts import Reasons, selector_of
from lab.coordinator.overloads import Entry
from lab.deploy.proposal.bench import HEIR, OPERATOR, OWNER, STRANGER, Outcome, Use
from lab.deploy.proposal.course import Course
from lab.deploy.proposal.events import EventMatch, reason_of
from lab.deploy.proposal.subject import INSIDE_S, LEAD_S, TARGET, ZERO_ADDRESS, ZERO_ID, Tried, id_of
from lab.model.contract.names import ContractNames

_SIGNATURE = re.compile(r'"([A-Za-z_]\w*\([\w,\[\]]*\))"')


@dataclass(frozen=True)
class Refusal:
    """The contract's words for a documented text, and who said them."""

    own: str
    by: str


def reasons_of(abi: Sequence[Entry], source: str) -> Callable[[str], str | None]:
    """Reads revert data: a text, an error of the ABI by its name, one that only the source has with its types."""
    reasons = Reasons(abi, ContractNames())
    known = {selector_of(text): text for text in _SIGNATURE.findall(source)}

    def read(data: str) -> str | None:
        own = reasons.decoded(data)
        if own is not None and own.startswith("0x"):
            return known.get(own[:10])
        return None if own is None or own.startswith("panic") else own

    return read


def find_refusals(tried: Tried, course: Course, failed: EventMatch | None) -> dict[str, Refusal]:
    """By documented text, the contract's own where it is another one."""
    refusals: dict[str, Refusal] = {}

    def hear(text: str, use: Use, outcome: Outcome) -> None:
        own = tried.reason(outcome)
        if own and own != text:
            refusals.setdefault(text, Refusal(own, f"{use.name} refuses with it"))

    with tried.bench.undone():
        _provoke(tried, hear)
    for text, step in zip(FAILURE_REASONS, ("late", "early"), strict=True):
        own = reason_of(failed, course, step)
        if own not in (None, "", text) and failed is not None:
            refusals[text] = Refusal(as_text(own), f"{failed.entry['name']} says so when it is too {step}")
    return refusals


def as_text(own: Any) -> str:
    """A reason in 32 bytes as a text."""
    if isinstance(own, str) and re.fullmatch("0x[0-9a-f]{64}", own):
        raw = bytes.fromhex(own[2:]).rstrip(b"\0")
        return raw.decode() if raw.isascii() and raw else own
    return str(own)


def _provoke(tried: Tried, hear: Callable[[str, Use, Outcome], None]) -> None:
    bench = tried.bench
    operator, *_ = tried.roles
    hear("Only owner can add operators", operator.grant, bench.ask(operator.grant, STRANGER, operator=HEIR))
    if operator.revoke is not None:
        hear(
            "Only owner can remove operators", operator.revoke, bench.ask(operator.revoke, STRANGER, operator=OPERATOR)
        )
    tried.give_roles()

    def asked(text: str, name: str, sender: str = OPERATOR, **values: Any) -> None:
        if name in tried.uses:
            hear(text, tried.uses[name], tried.asked(name, sender, **values))

    def buffered(text: str, sender: str = OPERATOR, number: int = 30, **other: Any) -> None:
        asked(text, "buffer_transaction", sender, **tried.request(number, **other))

    asked("Only owner can set window", "set_coordination_window", STRANGER, window_seconds=59)
    asked("Window must be between 5 and 300 seconds", "set_coordination_window", OWNER, window_seconds=4)
    asked("Only owner can pause", "pause", STRANGER)
    asked("Coordinator is not paused", "unpause", OWNER)
    asked("Only owner can set threshold", "set_breaker_threshold", STRANGER, threshold=7)
    asked("Only owner can set execution window", "set_execution_window", STRANGER, window_seconds=7)
    asked("Only owner can propose owner", "propose_owner", STRANGER, new_owner=STRANGER)
    asked("Only pending owner can accept", "accept_ownership", STRANGER)
    buffered("Not authorized", STRANGER)
    buffered("Invalid transaction ID", tx_id=ZERO_ID)
    buffered("Invalid origin rollup", origin_rollup=ZERO_ADDRESS)
    buffered("Invalid target rollup", target_rollup=ZERO_ADDRESS)
    buffered("Origin and target must be different", origin_rollup=TARGET)
    buffered("Timestamp cannot be in the past", timestamp=bench.now - LEAD_S)
    due = bench.now + LEAD_S
    tried.buffer(31, timestamp=due)
    buffered("Transaction already exists", number=31)
    asked("Transaction not ready", "mark_executed", tx_id=id_of(31))
    asked("Transaction not expired", "expire_transaction", tx_id=id_of(31))
    bench.until(due + INSIDE_S)
    tried.sent("resolve_dependency", tx_id=id_of(31))
    asked("Transaction not in buffered state", "resolve_dependency", tx_id=id_of(31))
    if "pause" in tried.uses:
        tried.sent("pause", OWNER)
        asked("Only owner can unpause", "unpause", STRANGER)
        buffered("Coordinator is paused")
