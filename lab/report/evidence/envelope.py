"""Signed statements: a DSSE envelope around an in-toto statement, as release tools read them, by Ethereum keys.

A statement says something (its predicate) about files, named by their sha256. Without a signature it is a statement
that anybody could have written, and is read as such.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key, Signature

from lab.bounded_files import parse_model
from lab.html.text import clean

PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Subject(BaseModel):
    """A file that a statement is about."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str = Field(max_length=200)
    digest: dict[Literal["sha256"], str]


class Statement(BaseModel):
    """An in-toto statement, version 1. `predicate` is what is said, in the form that `predicateType` names."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    type: Literal["https://in-toto.io/Statement/v1"] = Field(default="https://in-toto.io/Statement/v1", alias="_type")
    subject: tuple[Subject, ...] = Field(min_length=1, max_length=1)
    predicate_type: str = Field(alias="predicateType")
    predicate: dict[str, Any]

    @property
    def sha256(self) -> str:
        """Of the one file that it is about."""
        return self.subject[0].digest["sha256"]


class EnvelopeSignature(BaseModel):
    """Who signed, and the signature in Base64."""

    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True)

    keyid: str
    sig: str


class SignedEnvelope(BaseModel):
    """What the envelope's own library takes for granted of a file."""

    model_config = ConfigDict(defer_build=True, extra="forbid", strict=True)

    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: list[EnvelopeSignature]


class EthereumKey(Key):
    """An address. Signatures are EIP-191 ones over the envelope's encoding; the address is recovered from them."""

    def __init__(self, address: str) -> None:
        super().__init__(address, "secp256k1", "eip191", {"public": address})

    @classmethod
    def from_dict(cls, keyid: str, key_dict: dict[str, Any]) -> EthereumKey:
        """From what `to_dict` gave."""
        return cls(str(key_dict["keyval"]["public"]))

    def to_dict(self) -> dict[str, Any]:
        """As metadata of keys is written."""
        return self._to_dict()

    def verify_signature(self, signature: Signature, data: bytes) -> None:
        """Raises UnverifiedSignatureError where another key signed, where others were signed, or nothing was."""
        from eth_account import Account
        from eth_account.messages import encode_defunct

        try:
            signer = str(Account.recover_message(encode_defunct(data), signature=bytes.fromhex(signature.signature)))
        except Exception as error:  # of half a dozen libraries; what they cannot read is no signature
            raise UnverifiedSignatureError(f"expected a signature, got {type(error).__name__}") from error
        if signer != self.keyid:
            raise UnverifiedSignatureError(f"expected a signature of {self.keyid}, it is of {signer}")


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement, and the address whose key signed it: empty where nobody did."""

    statement: Statement
    signer: str


def new_envelope(statement: Statement) -> Envelope:
    """An envelope that nobody signed yet."""
    return Envelope(statement.model_dump_json(by_alias=True).encode(), PAYLOAD_TYPE, {})


def envelope_text(envelope: Envelope) -> str:
    """As it stands in a file."""
    return json.dumps(envelope.to_dict(), indent=1) + "\n"


def read_envelope(content: bytes, path: Path | str, predicate_type: str) -> Signed:
    """What a file states and who signed it; `path` only names it. Raises ValueError where either is not so.

    Every byte of the file counts: Base64 and JSON could say the same in other ways, and those are refused.
    """
    try:
        envelope = Envelope.from_dict(parse_model(content, SignedEnvelope, path).model_dump(by_alias=True))
        same = envelope_text(envelope).encode() == content
    except ValueError as error:
        raise ValueError(f"expected a signed statement: {clean(str(error), 160)}") from error
    if not same or envelope.payload_type != PAYLOAD_TYPE or len(envelope.signatures) > 1:
        raise ValueError("expected an envelope as this lab writes it, with one signature or none")
    statement = parse_model(envelope.payload, Statement, path)
    if statement.predicate_type != predicate_type:
        raise ValueError(f"expected a statement of the type {predicate_type}")
    signer = next(iter(envelope.signatures), "")
    if signer:
        _verify(envelope, signer)
    return Signed(statement, signer)


def _verify(envelope: Envelope, signer: str) -> None:
    try:
        envelope.verify([EthereumKey(signer)], threshold=1)
    except VerificationError as error:
        raise ValueError(f"it is not signed by {clean(signer, 42)}, as it says") from error
