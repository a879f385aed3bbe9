"""Another team's checklist becomes a catalogue that the report takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.report.catalogue.checklist_import import import_checklist, write_checklist
from lab.report.catalogue.rows import load_catalogue
from lab.report.records.row_verdict import RowVerdict

from ..fakes import NOW, readiness

TEXT = """# Launch list

## Before
### Code Quality
- [x] **Compiles** - no `warnings`
- [ ] plain: text {with} "quotes" # and a hash
```
- [ ] **not a row** - in a code block
```
### Code Queries
* [X] **Ünïcode** \u2013 dash
## Risk Management
### Technical Risks
- **Bugs** → testing
- not a risk
## Empty

**Overall Progress: 1/9 items completed (11%)**
"""


def written(tmp_path: Path, text: str = TEXT) -> Path:
    """A Markdown file."""
    path = tmp_path / "list.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_each_line_becomes_a_row(tmp_path: Path) -> None:
    """Items and risks, ticks as claims, sections as paths; code blocks and plain bullets are no rows."""
    out = tmp_path / "out.yaml"
    assert write_checklist(written(tmp_path), out, force=False).rows == 4
    found = load_catalogue(out)
    assert found.document == "Launch list"
    assert [(row.id, row.kind, row.claimed, row.item) for row in found.rows] == [
        ("CQ-01", "item", True, "Compiles"),
        ("CQ-02", "item", False, 'plain: text {with} "quotes" # and a hash'),
        ("COD-01", "item", True, "Ünïcode"),
        ("TR-01", "risk", False, "Bugs"),
    ]
    assert found.sections[0].title == "Before > Code Quality"
    assert found.rows[0].detail == "no warnings"
    assert found.summary is not None
    assert (found.summary.done, found.summary.total) == (1, 9)


def test_the_report_takes_it(tmp_path: Path) -> None:
    """All rows are NOT RUN until somebody binds them, and the summary's miscount is shown."""
    out = tmp_path / "out.yaml"
    write_checklist(written(tmp_path), out, force=False)
    report = readiness(load_catalogue(out), [], contract_sha256=None, generated=NOW)
    assert {row.verdict for row in report.rows} == {RowVerdict.NOT_RUN}
    assert report.criteria == ()
    assert {found.id for found in report.contradictions} == {"ticked-without-evidence", "summary-miscounts"}


def test_ids_differ_however_alike_the_headings_are(tmp_path: Path) -> None:
    """Forty sections of one name."""
    text = "# L\n" + "".join("## Same Name\n- [ ] **a** - b\n" for _ in range(40))
    out = tmp_path / "out.yaml"
    assert write_checklist(written(tmp_path, text), out, force=False).rows == 40 == len(load_catalogue(out).rows)


@pytest.mark.parametrize("text", ["", "# Title\nno boxes\n", "- plain\n"])
def test_nothing_to_import_is_an_error(tmp_path: Path, text: str) -> None:
    """It shows what a line looks like."""
    with pytest.raises(UsageError, match=r"\*\*Item\*\* - detail"):
        import_checklist(written(tmp_path, text))


def test_a_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    """Bindings are work."""
    out = tmp_path / "out.yaml"
    out.write_text("mine")
    with pytest.raises(UsageError, match="--force"):
        write_checklist(written(tmp_path), out, force=False)
    assert out.read_text() == "mine"


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """With the byte."""
    path = tmp_path / "list.md"
    path.write_bytes(b"# \xff\xfe")
    with pytest.raises(UsageError, match="0xff"):
        import_checklist(path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_text(tmp_path: Path, encoding: str) -> None:
    """Editors of other systems put one at the start."""
    path = tmp_path / "list.md"
    path.write_text("# Tïtle\n- [ ] a\n", encoding=encoding)
    assert 'document: "Tïtle"' in import_checklist(path).text


def test_any_character_comes_back_from_the_file(tmp_path: Path) -> None:
    """Quotes, control characters, line separators and characters beyond the first plane."""
    text = 'a "b" \\ {c: d} # \x7f \x85 \u2028 \U0001f680 \ufeff e'
    out = tmp_path / "out.yaml"
    write_checklist(written(tmp_path, f"- [ ] {text}\n"), out, force=False)
    assert load_catalogue(out).rows[0].item.split() == text.replace("\\", "\\").split()


def test_a_long_section_has_an_id_for_each_row(tmp_path: Path) -> None:
    """More rows than two digits count; ten thousand in all are read without reading the catalogue back."""
    out = tmp_path / "out.yaml"
    text = "# L\n## One\n" + "- [ ] a\n" * 150
    write_checklist(written(tmp_path, text), out, force=False)
    ids = [row.id for row in load_catalogue(out).rows]
    assert len(set(ids)) == 150
    assert ids[98:101] == ["ONE-99", "ONE-100", "ONE-101"]
    assert import_checklist(written(tmp_path, "# L\n" + "- [ ] a\n" * 10_000)).rows == 10_000


def test_sections_without_end_have_prefixes_of_their_own(tmp_path: Path) -> None:
    """A thousand headings that share their initials."""
    text = "".join(f"## Same Name\n- [ ] {number}\n" for number in range(1000))
    found = import_checklist(written(tmp_path, text)).text
    assert len(set(re.findall(r"id: ([A-Z]+)-01", found))) == 1000


def test_what_is_not_read_is_said(tmp_path: Path) -> None:
    """Beside the rows, and in the error where there are none."""
    table = "|a|b|\n|-|-|\n|[ ]|c|\n"
    assert import_checklist(written(tmp_path, f"{table}\n- [ ] d\n")).unread == ("line 3: not read: in a table",)
    with pytest.raises(UsageError, match="line 3: not read: in a table"):
        import_checklist(written(tmp_path, table))


def test_brackets_without_end_are_refused(tmp_path: Path) -> None:
    """To look for the end of each takes hours; as many boxes as one likes are read."""
    path = tmp_path / "checklist.md"
    path.write_text("# Release\n\n- [ ] Keys in " + "[" * 100_000)
    with pytest.raises(UsageError, match="at most 1000 opening brackets in one paragraph"):
        import_checklist(path)
    path.write_text("# Release\n\n" + "- [ ] A row\n" * 1_500)
    assert import_checklist(path).text.count("A row") >= 1_500
