"""The state of a coordinator as a file, and the calls that bring a fresh one to it.

Everything is read through public getters and events, as of one block, so that whoever operates the contract on a live
network can do the same. The file carries its own SHA-256: a damaged one is refused. A contract takes no timestamp in
the past, so what had begun at the time of the backup gets a later timestamp; `differences` lists every such deviation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, write_atomically
from lab.coordinator import Reader
from lab.errors import UsageError

FORMAT = 1
SETTINGS = (
    "owner",
    "pending_owner",
    "coordination_window",
    "execution_window",
    "breaker_threshold",
    "transaction_count",
    "paused",
)
FIELDS = ("state", "origin", "target", "payload", "dependency", "timestamp")


@dataclass(frozen=True, slots=True)
class Saved:
    """One transaction. `ready_order` counts those that ever became READY, in their order; None for the others."""

    tx_id: str
    state: str
    origin: str
    target: str
    payload: str | None
    dependency: str
    timestamp: int
    ready_order: int | None


@dataclass(frozen=True, slots=True)
class Backup:
    """One contract as of one block. Transactions stand in the order in which they were buffered."""

    chain_id: int
    contract: str
    block: int
    block_hash: str
    block_time: int
    settings: dict[str, Any]
    operators: tuple[str, ...]
    transactions: tuple[Saved, ...]

    def document(self) -> dict[str, Any]:
        """As it stands in a file, without the digest."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def take(reader: Reader, *, first_block: int, block: int, known_operators: Iterable[str] = ()) -> Backup:
    """Read a contract's state as of a block. `known_operators` are asked for where the contract has no events of them.

    Raises an RpcFailure, or UsageError for a block that is not there.
    """
    head = reader.rpc.block(block)
    if head is None:
        raise UsageError(f"expected a block {block} to take the backup of, the chain has none: name an earlier one")
    events = [
        event
        for log in reader.rpc.logs(reader.address, first_block, block)
        if (event := reader.codec.decode_log(log)) is not None
    ]
    buffered = [event.args["tx_id"] for event in events if event.event == "TransactionBuffered"]
    ready = [event.args["tx_id"] for event in events if event.event == "TransactionReady"]
    order = {tx_id: position for position, tx_id in enumerate(ready)}
    named = [event.args["operator"] for event in events if event.event in ("OperatorAdded", "OperatorRemoved")]
    candidates = dict.fromkeys([*named, *known_operators])
    return Backup(
        chain_id=reader.rpc.chain_id(),
        contract=reader.address,
        block=block,
        block_hash=str(head["hash"]),
        block_time=int(head["timestamp"], 16),
        settings={name: reader.get(name, block=block) for name in SETTINGS if reader.codec.has(name)},
        operators=tuple(
            sorted(account for account in candidates if reader.get("authorized_operators", account, block=block))
        ),
        transactions=tuple(_saved(reader, tx_id, block, order.get(tx_id)) for tx_id in dict.fromkeys(buffered)),
    )


def _saved(reader: Reader, tx_id: str, block: int, ready_order: int | None) -> Saved:
    view = reader.transaction(tx_id, block=block)
    return Saved(
        tx_id, view.state, view.origin, view.target, view.payload, view.dependency, view.timestamp, ready_order
    )


def write(backup: Backup, path: Path) -> str:
    """Write the file, readable by its owner only; its digest."""
    document = backup.document()
    digest = _digest(document)
    text = json.dumps({"sha256": digest, "state": document}, indent=2) + "\n"
    write_atomically(path, text, mode=0o600, durable=True)
    return digest


def read(path: Path) -> Backup:
    """Raises UsageError for a file that is no backup, or is not as it was written."""
    try:
        outer = read_object(path)
        stated, document = outer["sha256"], outer["state"]
        digest = _digest(document)
        if digest != stated:
            raise UsageError(
                f"{path}: expected a backup with digest {stated}, its content has {digest}: it was changed "
                "or damaged; use another copy"
            )
        if document.pop("format") != FORMAT:
            raise UsageError(f"{path}: expected a backup of format {FORMAT}; take one with this version of the lab")
        document["operators"] = tuple(document["operators"])
        document["transactions"] = tuple(Saved(**fields) for fields in document["transactions"])
        return Backup(**document)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path}: not a backup: {error!r}; give a file that the backup wrote") from error


@dataclass(frozen=True, slots=True)
class Phase:
    """Calls that belong together; `not_before` is the block time that they have to wait for, None for none."""

    name: str
    role: str
    calls: tuple[tuple[str, tuple[Any, ...]], ...]
    not_before: int | None = None


def restore_plan(backup: Backup, *, now: int, lead_s: int, present: Sequence[str] = (), expiry: bool) -> list[Phase]:
    """The calls by owner and operator that bring a fresh contract to the saved state, phase by phase.

    `lead_s` is how long buffering takes at most; `present` are the operators that the fresh contract has already, one
    of which has to carry out the plan.
    """
    begun = now + lead_s
    stamps = {saved.tx_id: saved.timestamp if _waits(saved, begun) else begun for saved in backup.transactions}
    window = int(backup.settings["coordination_window"])
    readied = sorted((saved for saved in backup.transactions if saved.ready_order is not None), key=_order)
    never_ready = [saved for saved in backup.transactions if saved.state == "EXPIRED" and saved.ready_order is None]
    buffered = [("buffer_transaction", _request(saved, stamps[saved.tx_id])) for saved in backup.transactions]
    lapsed = "expire_transaction" if expiry else "resolve_dependency"
    phases = [
        Phase("let failures be counted without a stop", "owner", _setting(backup, "set_breaker_threshold", 0)),
        Phase("window", "owner", (("set_coordination_window", (window,)),)),
        Phase("buffer", "operator", tuple(buffered)),
        Phase("ready", "operator", tuple(("resolve_dependency", (saved.tx_id,)) for saved in readied), begun),
        Phase("execute", "operator", tuple(("mark_executed", (e.tx_id,)) for e in readied if e.state == "EXECUTED")),
        Phase("fail", "operator", tuple(("mark_failed", (e.tx_id,)) for e in readied if e.state == "EXPIRED")),
        Phase("expire", "operator", tuple((lapsed, (saved.tx_id,)) for saved in never_ready), begun + window + 1),
        Phase("settings", "owner", _settings(backup)),
        Phase("operators", "owner", _operators(backup, present)),
    ]
    if backup.settings.get("paused"):
        phases.append(Phase("stop", "owner", (("pause", ()),)))
    return [phase for phase in phases if phase.calls]


def _waits(saved: Saved, begun: int) -> bool:
    return saved.state == "BUFFERED" and saved.timestamp >= begun


def _order(saved: Saved) -> int:
    return saved.ready_order or 0


def _request(saved: Saved, timestamp: int) -> tuple[Any, ...]:
    return (saved.tx_id, saved.origin, saved.target, saved.payload or "0x", saved.dependency, timestamp)


def _setting(backup: Backup, function: str, value: int) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    return ((function, (value,)),) if function.removeprefix("set_") in backup.settings else ()


def _settings(backup: Backup) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    values = backup.settings
    return (
        *_setting(backup, "set_breaker_threshold", int(values.get("breaker_threshold", 0))),
        *_setting(backup, "set_execution_window", int(values.get("execution_window", 0))),
    )


def _operators(backup: Backup, present: Sequence[str]) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    missing = [account for account in backup.operators if account not in present]
    extra = [account for account in present if account not in backup.operators]
    return (
        *(("add_operator", (account,)) for account in missing),
        *(("remove_operator", (account,)) for account in extra),
    )


def differences(saved: Backup, actual: Backup) -> list[tuple[str, str, Any, Any]]:
    """Every field that differs, as (what, field, saved, found): settings, operators, and each transaction."""
    result: list[tuple[str, str, Any, Any]] = [
        ("settings", name, value, actual.settings.get(name))
        for name, value in saved.settings.items()
        if actual.settings.get(name) != value
    ]
    if saved.operators != actual.operators:
        result.append(("contract", "operators", saved.operators, actual.operators))
    there = {tx.tx_id: tx for tx in actual.transactions}
    for tx in saved.transactions:
        other = there.pop(tx.tx_id, None)
        if other is None:
            result.append((tx.tx_id, "transaction", tx.state, "missing"))
            continue
        for name in FIELDS:
            if getattr(tx, name) != getattr(other, name):
                result.append((tx.tx_id, name, getattr(tx, name), getattr(other, name)))
    result += [(tx_id, "transaction", "unknown", other.state) for tx_id, other in there.items()]
    return result
