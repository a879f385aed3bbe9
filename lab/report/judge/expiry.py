"""What counts today and no longer does on the release date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from lab.html.text import clean
from lab.report.evidence.attestations import Statement
from lab.report.records.report import Expiry
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict


def expiring(rows: Iterable[RowResult], statements: Iterable[Statement], release: date) -> tuple[Expiry, ...]:
    """Attestations and waivers that rows lean on, soonest first. One that is renewed in time is not named."""
    leaning = {row.id for row in rows if row.verdict in (RowVerdict.ATTESTED, RowVerdict.WAIVED)}
    last: dict[str, Expiry] = {}
    for statement in statements:
        said = statement.attestation
        if said is None or statement.problem or said.row not in leaning:
            continue
        entry = Expiry(row=said.row, what=f"{said.kind} {clean(statement.file, 120)}", expires=str(said.expires))
        if said.row not in last or entry.expires > last[said.row].expires:
            last[said.row] = entry
    late = [entry for entry in last.values() if entry.expires < str(release)]
    return tuple(sorted(late, key=lambda entry: (entry.expires, entry.row)))
