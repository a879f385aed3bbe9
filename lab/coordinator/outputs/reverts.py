"""Why a call reverted: the reason in the data, and the lab's words for one that the contract words otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from lab.coordinator.documented import FAILURE_REASONS
from lab.coordinator.overloads import Entry, signature_of
from lab.errors import printable
from lab.model.contract.names import ContractNames

ERROR_STRING = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")
REASON_MAX = 400
_HEX = re.compile("0x[0-9a-fA-F]*")
_WORD = re.compile("0x[0-9a-f]{64}")
_SIGNATURE = re.compile(r"[A-Za-z_]\w*\((\w+(\[\d*\])*(,\w+(\[\d*\])*)*)?\)")


def decode_revert(data: Any) -> str | None:
    """The reason in revert data, as people read it; None if there is none."""
    reason = _reason_in(data)
    return None if reason is None else shown_reason(reason)


def _reason_in(data: Any) -> str | None:
    """The same as the contract has it."""
    if not isinstance(data, str) or not _HEX.fullmatch(data) or len(data) % 2:
        return None
    raw = bytes.fromhex(data[2:])
    try:
        if raw[:4] == ERROR_STRING:
            return str(decode(["string"], raw[4:])[0])
        if raw[:4] == PANIC:
            return f"panic 0x{decode(['uint256'], raw[4:])[0]:02x}"
    except (DecodingError, UnicodeDecodeError):
        return data[:74]
    return data[:74] if raw else None


def shown_reason(text: str) -> str:
    """A contract's own text on one line: it may hold anything, and as much of it as fits into a transaction."""
    start = printable(text[:REASON_MAX])
    return start if len(text) <= REASON_MAX else f"{start}… ({len(text):,} characters)"


def is_signature(text: str) -> bool:
    """Whether a text of the project file is an error with its types, `Refused(bytes32)`."""
    return _SIGNATURE.fullmatch(text) is not None


def selector_of(signature: str) -> str:
    """The four bytes by which revert data names an error."""
    return "0x" + keccak(text=signature)[:4].hex()


class Reasons:
    """One contract's reasons in the lab's words. A text that stands for several of the lab's reads as all of them."""

    def __init__(self, abi: Sequence[Entry], names: ContractNames) -> None:
        self._words: dict[str, str] = {}
        for text, own in names.reverts.items():
            self._words[own] = f"{self._words[own]} / {text}" if own in self._words else text
        errors = [entry for entry in abi if entry.get("type") == "error"]
        self._errors = {selector_of(signature_of(entry)): str(entry["name"]) for entry in errors}
        # Errors that only the project file knows, by their signatures: a contract may revert with any bytes.
        self._errors |= {selector_of(own): own for own in self._words if is_signature(own)}
        self._hashes = {"0x" + keccak(text=text).hex(): text for text in (*FAILURE_REASONS, *self._words)}

    def worded(self, text: str) -> str:
        """The lab's words for a text of the contract; one that it has none for as a terminal can show it."""
        return self._words.get(text) or shown_reason(text)

    def of_event(self, reason: Any) -> Any:
        """The reason that an event gives: a text, a number, a text in 32 bytes, or the hash of an indexed text."""
        if isinstance(reason, str) and _WORD.fullmatch(reason):
            raw = bytes.fromhex(reason[2:]).rstrip(b"\0")
            reason = self._hashes.get(reason) or (raw.decode() if raw.isascii() and raw else reason)
        return self.worded(str(reason)) if isinstance(reason, (str, int)) else reason

    def decoded(self, data: Any) -> str | None:
        """The reason in revert data, a custom error by its name; None if there is none."""
        reason = _reason_in(data)
        if reason is None:
            return None
        return self.worded(self._errors.get(reason[:10], reason) if reason.startswith("0x") else reason)

    def given(self, frame: Mapping[str, Any]) -> str | None:
        """The reason that a traced call gives; None if there is none."""
        given = frame.get("revertReason")
        return self.worded(str(given)) if given else self.decoded(frame.get("output"))

    def traced(self, frame: Mapping[str, Any]) -> str | None:
        """Why a traced call failed; the node's error where the contract gives no reason."""
        return self.given(frame) or frame.get("error")
