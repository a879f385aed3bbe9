"""Does what `lab.yaml` maps do what the documentation says of it? Tried once, behind the smoke run and on its chain.

Only entries of the file are looked at. What else a contract does wrong is for scenarios to find: they say who did it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from eth_utils.crypto import keccak

from lab.coordinator import Reader, StateNumbering, role_account
from lab.coordinator.calling import all_roles
from lab.coordinator.overloads import signature_of
from lab.deploy.trial import Trial
from lab.model.contract.names import Limits
from lab.rpc import RpcFailure

# Two rollups, a payload, and seconds between a step and the next.
ORIGIN, TARGET = "0x" + "11" * 20, "0x" + "22" * 20
PAYLOAD, ZERO_ID = "0x" + "5a" * 48, "0x" + "00" * 32
STEP_S = 12
FIRST_ID = 0xA500
FIELDS = ("origin_rollup", "target_rollup", "timestamp")


@dataclass(frozen=True, slots=True)
class Misfit:
    """An entry of the file that does something else, by its documented name."""

    section: Literal["functions", "events"]
    name: str
    text: str


class MapTrial:
    """Tries what is mapped with transactions of its own, on a chain where the three operations succeed."""

    def __init__(self, trial: Trial, numbering: StateNumbering, limits: Limits) -> None:
        target = trial.target
        self._trial, self._limits, names = trial, limits, target.codec.names
        self._reader = Reader(trial.rpc, target.codec, target.address, numbering)
        self._functions = {*names.functions, *names.arguments, *names.returns, *names.truths}
        self._events = {*names.events, *names.event_arguments, *names.event_where}
        self._misfits: dict[tuple[str, str], Misfit] = {}
        self._count = 0

    def misfits(self) -> tuple[Misfit, ...]:
        """Each entry once, in the order in which they were tried."""
        if self._functions or self._events:
            self._flow()
            self._window()
            self._operators()
            self._stop()
            self._ownership()
        return tuple(self._misfits.values())

    def _flow(self) -> None:
        """A parent and its child: buffered, the child resolved in vain, then both as far as they go."""
        parent, due = self._buffer(ZERO_ID)
        child, _ = self._buffer(parent)
        self._expect("is_transaction_ready", False, "of what was only buffered", parent)
        self._pass(due)
        self._emits(self._sent("resolve_dependency", child), "TransactionFailed", {"tx_id": child})
        self._emits(self._sent("resolve_dependency", parent), "TransactionReady", {"tx_id": parent})
        self._expect("is_transaction_ready", True, "of what became ready", parent)
        self._sent("mark_executed", parent)
        self._expect("is_transaction_ready", False, "of what was executed", parent)

    def _buffer(self, dependency: str) -> tuple[str, int]:
        """A transaction's id and timestamp. What is read of it must be what was given."""
        self._count += 1
        tx_id, before = f"0x{FIRST_ID + self._count:064x}", self._read("transaction_count")
        delay = max(self._limits.resolve_after_seconds or 0, STEP_S * (self._limits.resolve_after_blocks or 0))
        due = self._trial.now + 2 * STEP_S + delay
        payload = PAYLOAD[: 2 + 2 * min(len(PAYLOAD), self._limits.payload_bytes or len(PAYLOAD))]
        receipt = self._sent("buffer_transaction", tx_id, ORIGIN, TARGET, payload, dependency, due)
        given = {"tx_id": tx_id, "origin_rollup": ORIGIN, "target_rollup": TARGET, "timestamp": due}
        if isinstance(before, int):
            self._expect("transaction_count", before + 1, f"after a buffering, {before} before")
        stored = self._stored(tx_id)
        said = self._event(receipt, "TransactionBuffered") or {}
        wrong = {name for name in FIELDS if name in stored and stored[name] != given[name]}
        if wrong and all(stored.get(name) == said.get(name, stored.get(name)) for name in wrong):
            # The contract says it twice in the same way: it was told so.
            name = min(wrong)
            self._misfit("functions", "buffer_transaction", _was(name, given[name], stored[name], "is stored"))
            return tx_id, due
        for name in sorted(wrong):
            self._misfit("functions", "get_transaction_details", _was(name, given[name], stored[name], "it returns"))
        with suppress(RpcFailure, ValueError, IndexError, KeyError):
            if (kept := self._reader.payload(tx_id)) not in (None, payload):
                self._misfit("functions", "transactions", _was("payload", payload, kept, "it returns"))
        self._emits(receipt, "TransactionBuffered", given)
        return tx_id, due

    def _stored(self, tx_id: str) -> dict[str, Any]:
        values = self._read("get_transaction_details", tx_id)
        names = ("origin_rollup", "target_rollup", "dependency_tx_id", "timestamp")
        return dict(zip(names, map(_lower, values), strict=False)) if isinstance(values, list) else {}

    def _pass(self, due: int) -> None:
        """Blocks until the delay is over and the timestamp is reached."""
        for _ in range(self._limits.resolve_after_blocks or 0):
            self._trial.mine(self._trial.now + 1)
        if self._trial.now < due:
            self._trial.mine(due)

    def _window(self) -> None:
        window = self._read("coordination_window")
        if not isinstance(window, int) or not self._has("set_coordination_window"):
            return
        other = 60 if window != 60 else 61
        if self._done("set_coordination_window", other):
            self._expect("coordination_window", other, f"after set_coordination_window({other})")
            self._done("set_coordination_window", window)

    def _operators(self) -> None:
        """The lab's own operator, and somebody who becomes one and ceases to be."""
        somebody = role_account("user").address
        self._expect("authorized_operators", True, "of an operator", role_account("operator").address)
        self._expect("authorized_operators", False, "of a stranger", somebody)
        for function, held in (("add_operator", True), ("remove_operator", False)):
            if self._has(function) and self._done(function, somebody):
                self._expect("authorized_operators", held, f"after {function}", somebody)

    def _stop(self) -> None:
        if not self._has("pause", "unpause"):
            return
        self._expect("paused", False, "before any stop")
        receipt = self._call("owner", "pause", ())
        if (why := self._why(receipt)) is not None:
            lifted = self._refusal("unpause") is None
            exchanged = ", and unpause succeeds: are the two exchanged?" if lifted else ""
            self._misfit("functions", "pause", f"expected the owner's call to succeed, {why}{exchanged}")
            return
        self._emits(receipt, "EmergencyStop", {})
        self._expect("paused", True, "after pause")
        receipt = self._call("owner", "unpause", ())
        if (why := self._why(receipt)) is not None:
            self._misfit("functions", "unpause", f"expected the owner's call to succeed after pause, {why}")
            return
        self._emits(receipt, "EmergencyStopLifted", {})
        self._expect("paused", False, "after unpause")

    def _ownership(self) -> None:
        """The owner hands over and takes back."""
        owner, heir = role_account("owner").address, role_account("newowner").address
        if self._read("owner") == "0x" + "00" * 20:
            self._misfit("functions", "owner", "expected the account that owns the contract, it returns address zero")
        if not self._has("propose_owner", "accept_ownership") or not self._done("propose_owner", heir):
            return
        self._expect("pending_owner", heir, "after propose_owner")
        if (why := self._refusal("accept_ownership", role="newowner")) is not None:
            self._misfit("functions", "accept_ownership", f"expected the proposed account's call to succeed, {why}")
            return
        self._expect("owner", heir, "after accept_ownership")
        if self._done("propose_owner", owner, role="newowner"):
            self._refusal("accept_ownership")

    def _has(self, *functions: str) -> bool:
        return self._reader.codec.has(*functions)

    def _read(self, function: str, *args: Any) -> Any:
        """A view's answer, addresses in lower case; None where there is no such view, or it does not answer."""
        try:
            value = self._reader.get(function, *args)
        except (RpcFailure, ValueError, IndexError, KeyError):
            return None
        return _lower(value)

    def _expect(self, view: str, expected: Any, when: str, *args: Any) -> None:
        got = self._read(view, *args)
        if got is not None and got != expected:
            self._misfit("functions", view, f"expected {_shown(expected)} {when}, it returns {_shown(got)}")

    def _misfit(self, section: Literal["functions", "events"], name: str, text: str) -> None:
        """Of what the file maps: the rest is the contract's own."""
        if name in (self._functions if section == "functions" else self._events):
            self._misfits.setdefault((section, name), Misfit(section, name, text))

    def _sent(self, function: str, *args: Any) -> Mapping[str, Any] | None:
        """The receipt of an operator's call in a block of its own; None where it cannot be made, or reverts."""
        receipt = self._call("operator", function, args)
        return receipt if receipt is not None and receipt["status"] == "0x1" else None

    def _done(self, function: str, *args: Any, role: str = "owner") -> bool:
        """Whether the owner's call succeeds; who is made an operator takes every role of the contract."""
        names = self._reader.codec.names
        return all(
            self._refusal(one, *args, role=role) is None
            for one in all_roles(function, self._reader.codec.functions, names)
        )

    def _refusal(self, function: str, *args: Any, role: str = "owner") -> str | None:
        """How the call failed; None where it succeeds."""
        return self._why(self._call(role, function, args))

    def _why(self, receipt: Mapping[str, Any] | None) -> str | None:
        if receipt is None:
            return "it cannot be called so"
        return None if receipt["status"] == "0x1" else self._trial.why(receipt)

    def _call(self, role: str, function: str, args: tuple[Any, ...]) -> Mapping[str, Any] | None:
        try:
            data = self._reader.codec.encode(function, args)
        except ValueError:
            return None
        return self._trial.send(role, data, self._trial.now + 1)

    def _event(self, receipt: Mapping[str, Any] | None, name: str) -> dict[str, Any] | None:
        logs = (self._reader.codec.decode_log(log) for log in (receipt or {"logs": ()})["logs"])
        log = next((one for one in logs if one is not None and one.event == name), None)
        return None if log is None else {key: _lower(value) for key, value in log.args.items()}

    def _emits(self, receipt: Mapping[str, Any] | None, name: str, expected: Mapping[str, Any]) -> None:
        """A call that succeeded has the event, with what it was about; one that reverted says nothing of it."""
        if receipt is None:
            return
        said = self._event(receipt, name)
        if said is None:
            seen = ", ".join(self._names(receipt)) or "none"
            self._misfit("events", name, f"expected this event, the call that has to emit it emitted {seen}")
            return
        for key, value in expected.items():
            if key in said and said[key] != value:
                self._misfit("events", name, _was(key, value, said[key], "it says"))

    def _names(self, receipt: Mapping[str, Any]) -> Iterator[str]:
        """The contract's own names of the events in a receipt."""
        abi = self._trial.target.contract.abi
        known = {
            "0x" + keccak(text=signature_of(one)).hex(): str(one["name"]) for one in abi if one.get("type") == "event"
        }
        for log in receipt["logs"]:
            yield known.get(next(iter(log["topics"]), ""), "one that its ABI does not have")


def _was(what: str, expected: Any, got: Any, how: str) -> str:
    return f"expected {what} {_shown(expected)} as given, {how} {_shown(got)}"


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 66 else f"{text[:18]}... of {len(text) // 2 - 1} bytes"
