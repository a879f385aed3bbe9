"""The state of a coordinator as a file that carries its own SHA-256: a damaged one is refused; and how two differ."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import read_object, write_atomically
from lab.errors import UsageError
from lab.live.declaration.owner import ZERO

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
WINDOW_S_MAX = 300


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

    @property
    def window_s(self) -> int:
        """The coordination window, the longest possible where the contract has no getter of it."""
        return int(self.settings.get("coordination_window", WINDOW_S_MAX))

    def is_over(self, one: Saved) -> bool:
        """Whether a transaction is BUFFERED and can no longer become READY: its window was over at the backup."""
        return one.state == "BUFFERED" and one.timestamp + self.window_s < self.block_time

    def document(self) -> dict[str, Any]:
        """As it stands in a file, without the digest."""
        return {"format": FORMAT, **json.loads(json.dumps(asdict(self)))}


def _digest(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


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


def differences(saved: Backup, restored: Backup) -> list[tuple[str, str, Any, Any]]:
    """Every field that differs, as (what, field, saved, restored): settings, operators, and each transaction."""
    before, after = _settled(saved.settings), _settled(restored.settings)
    result: list[tuple[str, str, Any, Any]] = [
        ("settings", name, value, after.get(name)) for name, value in before.items() if after.get(name) != value
    ]
    if saved.operators != restored.operators:
        result.append(("contract", "operators", saved.operators, restored.operators))
    there = {one.tx_id: one for one in restored.transactions}
    for one in saved.transactions:
        other = there.pop(one.tx_id, None)
        if other is None:
            result.append((one.tx_id, "transaction", one.state, "missing"))
            continue
        for name in FIELDS:
            if getattr(one, name) != getattr(other, name):
                result.append((one.tx_id, name, getattr(one, name), getattr(other, name)))
    result += [(tx_id, "transaction", "unknown", other.state) for tx_id, other in there.items()]
    return result


def _settled(settings: dict[str, Any]) -> dict[str, Any]:
    """The same; an owner who is pending for itself, which is how a hand-over is cancelled, is nobody."""
    cancelled = "pending_owner" in settings and settings["pending_owner"] == settings.get("owner")
    return settings | ({"pending_owner": ZERO} if cancelled else {})
