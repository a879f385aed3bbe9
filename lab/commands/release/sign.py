"""`lab sign`: a person's decision under the report as it is now."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError
from lab.html.text import clean
from lab.report.readiness_page.files import write_page_again
from lab.report.records.row_verdict import Decision
from lab.report.release.sign import sign


def sign_report(results: Path, name: str, decision: Decision, note: str) -> None:
    """Sign, and show it on the page."""
    folder = results / "readiness"
    if not name.strip():
        raise UsageError("--name: expected the name of whoever signs, got none")
    if len(name) > 200 or len(note) > 2_000:
        raise UsageError("expected a name of at most 200 and a note of at most 2,000 characters")
    signature = sign(folder, name=name.strip(), decision=decision, note=note)
    page = write_page_again(folder)
    print(f"signed     {signature.decision} by {clean(signature.name, 120)}, {signature.signed}")
    print(f"report     sha256 {signature.report_sha256}")
    print(f"readiness  {page}")
