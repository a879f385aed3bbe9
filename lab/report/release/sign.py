"""Signing a report: who decided what, on which report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from lab.errors import UsageError
from lab.evidence.folder import sha256_file, write_atomically
from lab.html.text import clean
from lab.report.evidence.signature import FILE, REPORT, Signature
from lab.report.records.report import Readiness
from lab.report.records.row_verdict import Decision


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
