"""A person's signature under a report: name, decision, note, and the hash of `readiness.json` as it was then.

Not a proof of identity: it says which report somebody decided on. Any later change of the report voids it, visibly.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lab.errors import UsageError
from lab.evidence.folder import sha256_file, write_atomically
from lab.html.text import clean
from lab.report.records.report import Readiness
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


def sign(folder: Path, *, name: str, decision: Decision, note: str, now: datetime | None = None) -> Signature:
    """Sign the report in a folder. Raises UsageError where there is none, or where GO is signed and it says another."""
    path = folder / REPORT
    try:
        report = Readiness.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"{path}: expected a report to sign, found none: run `lab report` first") from None
    except (OSError, ValueError) as error:
        first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise UsageError(f"{path}: expected a readiness report: {clean(first, 200)}; write it again") from None
    if decision == "GO" and report.decision != "GO":
        raise UsageError(
            f"{path}: expected a report that says GO, as that is to be signed; it says {report.decision}: "
            "settle or waive its open rows, or sign another decision"
        )
    signature = Signature(
        name=name,
        decision=decision,
        note=note,
        report_sha256=sha256_file(path),
        report_decision=report.decision,
        signed=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    write_atomically(folder / FILE, signature.model_dump_json(indent=2) + "\n")
    return signature


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
