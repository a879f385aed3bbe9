"""The coordinator's calls with the events that a correct contract emits for them."""

from __future__ import annotations

from typing import Any

from lab.model.records import Call, Leg, Log

from .histories import ROLES, ZERO, rollup

Made = tuple[Call, tuple[Log, ...]]


def log(event: str, **args: Any) -> Log:
    """An event; the story numbers it."""
    return Log(event=event, args=args, index=0)


def call(function: str, by: str = "operator", *, ok: bool = True, revert: str | None = None, **args: Any) -> Call:
    """A call by a role."""
    return Call(caller=ROLES.get(by, by), function=function, args=args, ok=ok and revert is None, revert=revert)


def buffer(of: Leg, by: str = "operator", *, dependency: str = ZERO, revert: str | None = None, **args: Any) -> Made:
    """Buffers a leg on its own chain; fields can be replaced by name."""
    made: dict[str, Any] = {
        "tx_id": of.tx_id,
        "origin_rollup": of.origin,
        "target_rollup": of.target,
        "payload": of.payload,
        "dependency_tx_id": dependency,
        "timestamp": of.timestamp,
    }
    made.update(args)
    event = {key: made[key] for key in ("tx_id", "origin_rollup", "target_rollup", "timestamp")}
    logs = () if revert is not None else (log("TransactionBuffered", **event),)
    return call("buffer_transaction", by, revert=revert, **made), logs


def mirror(of: Leg, on: str, timestamp: int, by: str = "relayer", **args: Any) -> Made:
    """Buffers a mirror of a leg on another chain."""
    made: dict[str, Any] = {"target_rollup": rollup(on), "timestamp": timestamp} | args
    return buffer(of, by, **made)


def resolve(tx_id: str, by: str = "operator", *, failed: str | None = None, revert: str | None = None) -> Made:
    """Resolves into READY, or into a TransactionFailed with that reason."""
    event = log("TransactionFailed", tx_id=tx_id, reason=failed) if failed else log("TransactionReady", tx_id=tx_id)
    return call("resolve_dependency", by, tx_id=tx_id, revert=revert), () if revert is not None else (event,)


def execute(tx_id: str, by: str = "operator", *, revert: str | None = None) -> Made:
    """Marks as executed; emits nothing."""
    return call("mark_executed", by, tx_id=tx_id, revert=revert), ()


def fail(tx_id: str, by: str = "operator", *, function: str = "mark_failed", trip: bool = False) -> Made:
    """Ends a transaction as failed (or, with `expire_transaction`, as expired); `trip` lets the breaker follow."""
    reason = "Execution failed" if function == "mark_failed" else "Transaction expired"
    logs: tuple[Log, ...] = (log("TransactionFailed", tx_id=tx_id, reason=reason),)
    if trip:
        logs += (log("EmergencyStop", caller=ROLES[by], reason="Failure threshold reached"),)
    return call(function, by, tx_id=tx_id), logs


def admin(
    function: str, by: str = "owner", *, revert: str | None = None, event: Log | None = None, **args: Any
) -> Made:
    """An owner function with its event, if it has one."""
    return call(function, by, revert=revert, **args), (event,) if event is not None and revert is None else ()


def pause(by: str = "owner", *, revert: str | None = None) -> Made:
    """Stops the coordinator by hand."""
    return admin("pause", by, revert=revert, event=log("EmergencyStop", caller=ROLES[by], reason="Paused by owner"))


def unpause(by: str = "owner", *, revert: str | None = None) -> Made:
    """Lifts the stop."""
    return admin("unpause", by, revert=revert, event=log("EmergencyStopLifted", caller=ROLES[by]))
