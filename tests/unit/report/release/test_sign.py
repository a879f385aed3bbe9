"""A signature holds until the report is another one, and that shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.model.verdict import Verdict
from lab.report.evidence.signature import FILE, REPORT, read_signature
from lab.report.readiness_page.files import write_page_again, write_readiness
from lab.report.release.sign import sign

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
    sign(folder, name="Ada <b>", decision="GO", note="ship it", now=NOW)
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
    sign(folder, name="Ada", decision="GO", note="")
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
    """NO-GO and INCOMPLETE can be signed under any report."""
    folder = written(tmp_path, BAD)
    with pytest.raises(UsageError, match="it says NO-GO"):
        sign(folder, name="Ada", decision="GO", note="")
    assert sign(folder, name="Ada", decision="NO-GO", note="").report_decision == "NO-GO"


@pytest.mark.parametrize("content", [None, "{", "{}"])
def test_nothing_to_sign_is_an_error(tmp_path: Path, content: str | None) -> None:
    """It says what to do."""
    if content is not None:
        (tmp_path / REPORT).write_text(content)
    with pytest.raises(UsageError, match=r"lab report|write it again"):
        sign(tmp_path, name="Ada", decision="NO-GO", note="")


def test_an_edited_signature_is_void(tmp_path: Path) -> None:
    """Malformed, or for a report that is gone."""
    folder = written(tmp_path)
    sign(folder, name="Ada", decision="GO", note="")
    signature = (folder / FILE).read_text()
    (folder / FILE).write_text(signature.replace("GO", "MAYBE"))
    found = read_signature(folder)
    assert found is not None
    assert found.void == "signature.json cannot be read"
    (folder / FILE).write_text(signature)
    (folder / REPORT).unlink()
    found = read_signature(folder)
    assert found is not None
    assert found.void == "readiness.json is gone"
