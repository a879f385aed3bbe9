"""Signing a report: who decided what, on which report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.bounded_files import sha256_file, write_atomically
from lab.errors import UsageError
from lab.html.text import clean
from lab.report.evidence.signature import FILE, REPORT, Signature, is_better
from lab.report.records.report import read_readiness
from lab.report.records.row_verdict import Decision
from lab.report.release.consistency import self_contradictions
from lab.report.release.local_key import LocalSigner, signed_text


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a person says of a report."""

    name: str
    decision: Decision
    note: str = ""
    role: str = ""


def sign(folder: Path, said: Opinion, signer: LocalSigner | None = None, now: datetime | None = None) -> Signature:
    """Sign the report in a folder.

    Raises UsageError where there is none, where it contradicts itself, or where the decision is better than its own.
    """
    path = folder / REPORT
    try:
        report = read_readiness(path)
    except FileNotFoundError:
        raise UsageError(f"{path}: expected a report to sign, found none: run `lab report` first") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{clean(str(error), 300)}; run `lab report` again") from None
    for contradiction in self_contradictions(report):
        raise UsageError(f"{path}: {contradiction}: it was changed; run `lab report` again")
    if is_better(said.decision, than=report.decision):
        raise UsageError(
            f"{path}: expected a report that says {said.decision}, as that is to be signed; it says {report.decision}: "
            "settle or waive its open rows, or sign another decision"
        )
    signature = Signature(
        name=said.name,
        role=said.role,
        decision=said.decision,
        note=said.note,
        report_sha256=sha256_file(path),
        report_decision=report.decision,
        signed=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    write_atomically(folder / FILE, signed_text(signature.statement(), signer))
    return signature
