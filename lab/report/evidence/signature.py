"""A person's signature under a report: name, decision, note, and the hash of `readiness.json` as it was then.

Not a proof of identity: it says which report somebody decided on. Any later change of the report voids it, visibly.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lab.evidence.folder import sha256_file
from lab.report.records.row_verdict import Decision

REPORT, FILE = "readiness.json", "signature.json"


class Signature(BaseModel):
    """`signature.json`, beside the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = 1
    name: str = Field(min_length=1, max_length=200)
    decision: Decision
    note: str = Field(default="", max_length=2_000)
    report_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    report_decision: Decision
    signed: str


class SignatureView(BaseModel):
    """A signature and whether it holds. `void` says why it does not; `signature` is None where it is unreadable."""

    model_config = ConfigDict(frozen=True)

    signature: Signature | None
    void: str


def read_signature(folder: Path) -> SignatureView | None:
    """The signature in a folder and whether it still holds; None where nobody signed."""
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        signature = Signature.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return SignatureView(signature=None, void=f"{FILE} cannot be read")
    try:
        found = sha256_file(folder / REPORT)
    except OSError:
        return SignatureView(signature=signature, void=f"{REPORT} is gone")
    void = "" if found == signature.report_sha256 else f"{REPORT} was changed after it was signed"
    return SignatureView(signature=signature, void=void)
