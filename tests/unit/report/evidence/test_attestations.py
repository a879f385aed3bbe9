"""A person's word counts until its day, with its document as it was, and never where it must not."""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest

from lab.model.verdict import Verdict
from lab.report.catalogue.rows import Catalogue, load_catalogue
from lab.report.evidence.attestations import load_statements
from lab.report.records.report import Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict

from ..fakes import CONTRACT, NOW, readiness, run

TODAY = NOW.date()
DOCUMENT = b"audit of everything"
ROWS = {row.id: row for row in load_catalogue().rows}
LINES = {
    "row": "SCS-01",
    "owner": "Jo Auditor",
    "date": "2026-11-01",
    "document": "audit.pdf",
    "sha256": sha256(DOCUMENT).hexdigest(),
    "expires": "2027-05-01",
}
WAIVER = {"row": "ENV-02", "kind": "waiver", "approver": "Sam Lead", "reason": "replaced next month"}


def folder(tmp_path: Path, **changes: str | None) -> Path:
    """A folder with one statement; None takes a line away."""
    lines = {key: value for key, value in (LINES | changes).items() if value is not None}
    (tmp_path / "audit.pdf").write_bytes(DOCUMENT)
    (tmp_path / "one.yaml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    return tmp_path


def report(attestations: Path, *, catalogue: Catalogue | None = None, release: date | None = None) -> Readiness:
    """The report over one run and a folder of statements."""
    failing = run("failures/window_boundaries", Verdict.FAIL)
    return readiness(
        catalogue or load_catalogue(),
        [failing],
        contract_sha256=CONTRACT,
        generated=NOW,
        attestations=attestations,
        release_date=release,
    )


def row(found: Readiness, row_id: str) -> RowResult:
    """One row of it."""
    return next(each for each in found.rows if each.id == row_id)


def test_attested(tmp_path: Path) -> None:
    """Owner, term and document stand in the reason; the owner of the row is whoever answers for it."""
    found = row(report(folder(tmp_path)), "SCS-01")
    assert found.verdict is RowVerdict.ATTESTED
    assert found.owner == "Jo Auditor"
    assert "until 2027-05-01" in found.reason
    assert LINES["sha256"][:12] in found.reason


def test_a_live_row_takes_a_receipt(tmp_path: Path) -> None:
    """Until a live run supplies it; the link leads to the explorer."""
    found = row(report(folder(tmp_path, row="SEP-03", link="https://explorer.test/tx/0x12")), "SEP-03")
    assert found.verdict is RowVerdict.ATTESTED
    assert found.statements[0].link == "https://explorer.test/tx/0x12"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"expires": "2026-11-23"}, "expired on 2026-11-23"),
        ({"date": "2026-12-24"}, "in the future"),
        ({"sha256": "ab" * 32}, "was changed: the sha256 differs"),
        ({"document": "other.pdf"}, "is not there"),
        ({"contract_sha256": "00" * 32}, "another contract"),
        ({"expires": None}, "expires"),
        ({"sha256": "abc"}, "sha256"),
        ({"owner": "''"}, "owner"),
        ({"colour": "red"}, "colour"),
        ({"approver": "Sam"}, "belong to a waiver"),
        ({"link": "javascript:alert(1)"}, "https://"),
        ({"expires": "2026-10-01"}, "expiry after the date"),
        ({"kind": "waiver", "approver": "Sam", "reason": "late"}, "must pass: it cannot be waived"),
    ],
)
def test_what_does_not_count_is_missing_and_says_so(
    tmp_path: Path, changes: dict[str, str | None], problem: str
) -> None:
    """Expired, malformed or tampered with: the row stays open, and the reason is on the row and in the notes."""
    found = report(folder(tmp_path, **changes))
    scs = row(found, "SCS-01")
    assert scs.verdict is RowVerdict.ATTESTATION_MISSING
    assert problem in scs.reason
    assert problem in found.notes[0]
    assert scs.statements[0].problem


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"row: [", b"- 1\n", b"row: SCS-01\nrow: SCS-02\n", b"[" * 9_000]
)
def test_no_file_makes_it_raise(tmp_path: Path, content: bytes) -> None:
    """Whatever a file holds, it is a statement with a problem."""
    (tmp_path / "bad.yaml").write_bytes(content)
    (found,) = load_statements(tmp_path, ROWS, TODAY)
    assert found.problem.startswith("malformed")


def test_a_valid_statement_counts_beside_a_broken_one(tmp_path: Path) -> None:
    """A renewal leaves the expired one in place; both are shown."""
    folder(tmp_path, expires="2026-11-02")
    (tmp_path / "two.yaml").write_text((tmp_path / "one.yaml").read_text().replace("2026-11-02", "2027-01-01"))
    found = row(report(tmp_path), "SCS-01")
    assert found.verdict is RowVerdict.ATTESTED
    assert [bool(each.problem) for each in found.statements] == [True, False]


def test_nobodys_word_replaces_a_run(tmp_path: Path) -> None:
    """An attestation for a row that runs prove does not count."""
    found = row(report(folder(tmp_path, row="XCB-01")), "XCB-01")
    assert found.verdict is RowVerdict.NOT_RUN
    assert "nobody's word replaces them" in found.reason


def test_waived(tmp_path: Path) -> None:
    """Approver, reason and what it would be without the waiver."""
    found = row(report(folder(tmp_path, **WAIVER)), "ENV-02")
    assert found.verdict is RowVerdict.WAIVED
    assert "waived by Sam Lead until 2027-05-01: replaced next month; without the waiver it is NOT RUN" in found.reason


@pytest.mark.parametrize("missing", ["approver", "reason"])
def test_a_waiver_names_who_and_why(tmp_path: Path, missing: str) -> None:
    """Without either it is malformed."""
    found = row(report(folder(tmp_path, **(WAIVER | {missing: None}))), "ENV-02")
    assert found.verdict is RowVerdict.NOT_RUN
    assert "expected approver and reason" in found.reason


def test_failing_evidence_is_never_attested_away(tmp_path: Path) -> None:
    """A must-pass row that fails stays FAIL, whoever says or waives what."""
    for kind in ({"row": "XCB-05"}, WAIVER | {"row": "XCB-05"}):
        found = report(folder(tmp_path, **kind))
        assert row(found, "XCB-05").verdict is RowVerdict.FAIL
        assert found.decision == "NO-GO"


def test_what_expires_before_the_release_is_named(tmp_path: Path) -> None:
    """Only what rows lean on, and only what ends before the day."""
    assert report(folder(tmp_path), release=date(2027, 5, 1)).expiring == ()
    (late,) = report(tmp_path, release=date(2027, 5, 2)).expiring
    assert (late.row, late.expires) == ("SCS-01", "2027-05-01")


def test_an_unknown_row_is_named_with_the_nearest(tmp_path: Path) -> None:
    """It settles nothing."""
    found = report(folder(tmp_path, row="SCS-11"))
    assert "no row has the id SCS-11" in found.notes[0]
    assert "did you mean" in found.notes[0]
