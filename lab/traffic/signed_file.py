"""A file of signed transactions of one sender, in the order of their nonces: written once, read as a stream.

Layout: a header line of JSON, then for each transaction two bytes of length, the hash (32 bytes), the raw transaction.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from lab.bounded_files import open_regular, parse_json, replacing
from lab.errors import EvidenceFailure
from lab.traffic.signer import SignedTransaction

MAGIC = "tesseract-lab signed transactions 1"
_LENGTH = struct.Struct(">H")


def write_signed(path: Path, transactions: Iterable[SignedTransaction], *, first_nonce: int, count: int) -> None:
    """Write the file whole or not at all."""
    with replacing(path) as stream:
        header = {"format": MAGIC, "first_nonce": first_nonce, "count": count}
        stream.write(json.dumps(header).encode() + b"\n")
        for transaction in transactions:
            stream.write(_LENGTH.pack(len(transaction.raw)) + transaction.tx_hash + transaction.raw)


def header(path: Path) -> tuple[int, int]:
    """(first nonce, count). Raises EvidenceFailure for a file that is none of these."""
    with open_regular(path) as stream:
        return _header(path, stream.readline(4096))


def read_signed(path: Path) -> Iterator[SignedTransaction]:
    """The transactions in order, read piece by piece. Raises EvidenceFailure where the file ends early."""
    with open_regular(path) as stream:
        first_nonce, count = _header(path, stream.readline(4096))
        for nonce in range(first_nonce, first_nonce + count):
            head = stream.read(_LENGTH.size)
            body = stream.read(32 + _LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
            if len(body) < 33 or len(body) != 32 + _LENGTH.unpack(head)[0]:
                raise EvidenceFailure(
                    f"{path}: expected {count} signed transactions, the file ends at {nonce - first_nonce}: remove it, "
                    "it is signed again then"
                )
            yield SignedTransaction(nonce, body[32:], body[:32])


def _header(path: Path, line: bytes) -> tuple[int, int]:
    try:
        fields = parse_json(line, path)
        if fields["format"] != MAGIC:
            raise ValueError(fields["format"])
        return int(fields["first_nonce"]), int(fields["count"])
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceFailure(f"{path}: expected a file of signed transactions, got {line[:60]!r}") from error
