"""A person's decision about a report: `signature.json` beside it, a statement about `readiness.json` as it was then.

With a key it shows who decided what on which report. Without one it only shows on which report: anybody could have
written it. Any later change of the report, and a decision that is better than the report's, voids it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from lab.bounded_files import parse_model, read_bytes, sha256_file
from lab.html.text import clean
from lab.report.evidence.envelope import Statement, Subject, read_envelope
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import Decision

REPORT, FILE = "readiness.json", "signature.json"
PREDICATE = "urn:tesseract-lab:decision:1"
_WORST_FIRST: tuple[Decision, ...] = ("NO-GO", "INCOMPLETE", "GO")
_REPORT_BYTES_MAX = 16 << 20


class Signature(BaseModel):
    """Who decided what, when, and what the report said. `note` is a comment."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    role: str = Field(default="", max_length=200)
    decision: Decision
    note: str = Field(default="", max_length=2_000)
    report_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    report_decision: Decision
    signed: str = Field(max_length=40)

    @property
    def who(self) -> str:
        """`Ada, release manager`."""
        return clean(f"{self.name}, {self.role}" if self.role else self.name, 160)

    def statement(self) -> Statement:
        """What is to be signed."""
        return Statement(
            subject=(Subject(name=REPORT, digest={"sha256": self.report_sha256}),),
            predicateType=PREDICATE,
            predicate=self.model_dump(exclude={"report_sha256"}),
        )


class SignatureView(BaseModel):
    """A signature and whether it holds. `void` says why it does not; `signature` is None where it is unreadable.

    `signer` is the address whose key signed it, empty where none did.
    """

    model_config = ConfigDict(defer_build=True, frozen=True)

    signature: Signature | None
    void: str
    signer: str = ""


def is_better(decision: Decision, than: Decision) -> bool:
    """GO is better than INCOMPLETE, and that than NO-GO."""
    return _WORST_FIRST.index(decision) > _WORST_FIRST.index(than)


def read_signature(folder: Path) -> SignatureView | None:
    """The signature in a folder and whether it still holds; None where nobody signed."""
    path = folder / FILE
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        return SignatureView(signature=None, void=f"{FILE} cannot be read: {type(error).__name__}")
    try:
        signed = read_envelope(content, FILE, PREDICATE)
        facts = {**signed.statement.predicate, "report_sha256": signed.statement.sha256}
        signature = Signature.model_validate(facts)
    except ValueError as error:
        first = str(error).splitlines()[0]
        return SignatureView(signature=None, void=f"{FILE} cannot be read: {clean(first, 200)}")
    return SignatureView(signature=signature, void=_void(folder, signature), signer=signed.signer)


def _void(folder: Path, signature: Signature) -> str:
    try:
        content = read_bytes(folder / REPORT, max_bytes=_REPORT_BYTES_MAX)
        if sha256_file(folder / REPORT) != signature.report_sha256:
            return f"{REPORT} was changed after it was signed"
        decision = parse_model(content, Readiness, REPORT).decision
    except FileNotFoundError:
        return f"{REPORT} is gone"
    except (OSError, ValueError):
        return f"{REPORT} cannot be read"
    if signature.report_decision != decision:
        return f"it speaks of a report that says {signature.report_decision}, this one says {decision}"
    if is_better(signature.decision, than=decision):
        return f"it decides {signature.decision} on a report that says {decision}"
    return ""
