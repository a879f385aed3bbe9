"""The contract under test as seen from outside: its interface, its calls, its states, its accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.coordinator.accounts import ROLES, Account, created_address, role_account, rollup_address
from lab.coordinator.codec import Codec, DecodedCall, DecodedLog
from lab.coordinator.reads import Reader
from lab.coordinator.states import StateNumbering

if TYPE_CHECKING:
    from lab.coordinator.signing import Fees, sign_transaction

__all__ = [
    "ROLES",
    "Account",
    "Codec",
    "DecodedCall",
    "DecodedLog",
    "Fees",
    "Reader",
    "StateNumbering",
    "created_address",
    "role_account",
    "rollup_address",
    "sign_transaction",
]


def __getattr__(name: str) -> Any:
    """Signing is loaded by who signs: the exporter only reads, and a library of keys takes memory."""
    if name in ("Fees", "sign_transaction"):
        from lab.coordinator import signing

        return getattr(signing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
