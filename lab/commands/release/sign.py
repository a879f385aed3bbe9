"""`lab sign`: a person's decision under the report as it is now."""

from __future__ import annotations

from pathlib import Path

from lab.commands.release.bundle import signer_of
from lab.errors import UsageError
from lab.report.readiness_page.files import write_page_again
from lab.report.release.consistency import evidence_contradictions, read_report
from lab.report.release.sign import Opinion, sign


def sign_report(results: Path, said: Opinion, key: Path | None) -> None:
    """Sign, and show it on the page. Raises UsageError."""
    folder = results / "readiness"
    if not said.name.strip():
        raise UsageError("--name: expected the name of whoever signs, got none")
    if max(len(said.name), len(said.role)) > 200 or len(said.note) > 2_000:
        raise UsageError("expected a name and a role of at most 200 and a note of at most 2,000 characters")
    signer = signer_of(key)
    _require_evidence(results)
    signature = sign(folder, said, signer)
    page = write_page_again(folder)
    print(f"signed     {signature.decision} by {signature.who}, {signature.signed}")
    print(f"key        {signer.address if signer else 'none: anybody could have written it; --key FILE signs it'}")
    print(f"report     sha256 {signature.report_sha256}")
    print(f"readiness  {page}")


def _require_evidence(results: Path) -> None:
    """What the report calls passed must be there, and have passed."""
    try:
        wrong = list(evidence_contradictions(results, read_report(results)))
    except (OSError, ValueError):
        return  # `sign` says what is wrong with the report
    if wrong:
        raise UsageError(f"{wrong[0]}: the evidence was changed since the report; run `lab report` again")
