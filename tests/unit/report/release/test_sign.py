"""A signature holds until the report is another one, and that shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.model.verdict import Verdict
from lab.report.evidence.signature import FILE, REPORT, read_signature
from lab.report.readiness_page.files import write_page_again, write_readiness
from lab.report.records.report import oversize, read_readiness
from lab.report.records.row_verdict import Decision
from lab.report.release.local_key import signed_text
from lab.report.release.sign import Opinion, sign

from ..fakes import NOW, FakeFolder, run
from ..judge.test_readiness import TWO, build, catalogue

GOOD, BAD = run("failures/two"), run("failures/two", Verdict.FAIL)


def written(tmp_path: Path, folder: FakeFolder = GOOD) -> Path:
    """The folder of a report that says GO, or NO-GO."""
    write_readiness(build(catalogue(TWO), folder), tmp_path)
    return tmp_path


def test_signed_and_shown(tmp_path: Path) -> None:
    """Name, decision, note and hash, on the page and in the summary."""
    folder = written(tmp_path)
    sign(folder, Opinion("Ada <b>", "GO", "ship it"), now=NOW)
    html = write_page_again(folder).read_text()
    assert "Signed GO" in html
    assert "Ada &lt;b&gt;" in html
    assert "ship it" in html
    assert "**Signed GO** by Ada" in (folder / "readiness.md").read_text()
    found = read_signature(folder)
    assert found is not None
    assert found.void == ""


def test_any_later_change_voids_it(tmp_path: Path) -> None:
    """A single byte, or another report: void, and the page says so."""
    folder = written(tmp_path)
    sign(folder, Opinion("Ada", "GO"))
    with (folder / REPORT).open("a") as stream:
        stream.write(" ")
    found = read_signature(folder)
    assert found is not None
    assert found.void == "readiness.json was changed after it was signed"
    written(tmp_path, BAD)
    html = (folder / "index.html").read_text()
    assert "Signature void:" in html
    assert "Ada signed GO" in html


def test_go_is_not_signed_under_another_decision(tmp_path: Path) -> None:
    """Nor any decision that is better than the report's; a worse one can always be signed."""
    folder = written(tmp_path, BAD)
    with pytest.raises(UsageError, match="it says NO-GO"):
        sign(folder, Opinion("Ada", "GO"))
    with pytest.raises(UsageError, match="it says NO-GO"):
        sign(folder, Opinion("Ada", "INCOMPLETE"))
    assert sign(folder, Opinion("Ada", "NO-GO")).report_decision == "NO-GO"
    assert sign(written(tmp_path, GOOD), Opinion("Ada", "NO-GO")).report_decision == "GO"


def test_a_report_that_contradicts_itself_is_not_signed(tmp_path: Path) -> None:
    """Its decisions follow from its rows."""
    path = written(tmp_path, BAD) / REPORT
    path.write_text(path.read_text().replace('"decision": "NO-GO"', '"decision": "GO"'))
    with pytest.raises(UsageError, match=r"says GO, its rows amount to NO-GO.*run `lab report` again"):
        sign(tmp_path, Opinion("Ada", "GO"))


@pytest.mark.parametrize("decision", ["GO", "INCOMPLETE"])
def test_a_decision_better_than_the_reports_is_void(tmp_path: Path, decision: Decision) -> None:
    """However it got there: the statement is whole, and decides what the report does not allow."""
    folder = written(tmp_path, BAD)
    made = sign(folder, Opinion("Ada", "NO-GO")).model_copy(update={"decision": decision})
    (folder / FILE).write_text(signed_text(made.statement(), None))
    found = read_signature(folder)
    assert found is not None
    assert found.void == f"it decides {decision} on a report that says NO-GO"
    made = made.model_copy(update={"report_decision": "GO"})
    (folder / FILE).write_text(signed_text(made.statement(), None))
    found = read_signature(folder)
    assert found is not None
    assert "it speaks of a report that says GO" in found.void


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_nothing_to_sign_is_an_error(tmp_path: Path, content: str | None) -> None:
    """It says what to do."""
    if content is not None:
        (tmp_path / REPORT).write_text(content)
    with pytest.raises(UsageError, match=r"lab report|write it again"):
        sign(tmp_path, Opinion("Ada", "NO-GO"))


def test_an_edited_signature_is_void(tmp_path: Path) -> None:
    """Malformed, or for a report that is gone."""
    folder = written(tmp_path)
    sign(folder, Opinion("Ada", "GO"))
    signature = (folder / FILE).read_text()
    for text in (
        signature.replace("payload", "Payload"),
        signature + " ",
        json.dumps(json.loads(signature)),
        "{",
        "[]",
    ):
        (folder / FILE).write_text(text)
        found = read_signature(folder)
        assert found is not None
        assert found.void.startswith("signature.json cannot be read")
    (folder / FILE).write_text(signature)
    (folder / REPORT).unlink()
    found = read_signature(folder)
    assert found is not None
    assert found.void == "readiness.json is gone"


@pytest.mark.parametrize(("runs", "signable"), [(6_000, True), (30_000, False)])
def test_a_report_of_thousands_of_runs(tmp_path: Path, runs: int, signable: bool) -> None:
    """It is signed, or what writes it can say beforehand that nobody will."""
    made = build(catalogue(TWO), GOOD)
    (row,) = made.rows
    (shown,) = row.evidence
    many = tuple(shown.model_copy(update={"folder": f"session/{number}"}) for number in range(runs))
    rows = tuple(row.model_copy(update={"id": name, "evidence": many}) for name in ("AA-01", "AA-02"))
    write_readiness(made.model_copy(update={"rows": rows}), tmp_path)
    assert (oversize(tmp_path / REPORT) == "") is signable
    if not signable:
        with pytest.raises(UsageError, match=r"at most 16 MB and 800,000 values in a report to sign"):
            sign(tmp_path, Opinion("Ada", "NO-GO"))
    else:
        assert len(read_readiness(tmp_path / REPORT).rows[1].evidence) == runs
