"""The heads of patches, and the contracts that come of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.broken import docs, read_bug, read_bugs, write_contracts
from lab.broken.__main__ import main
from lab.errors import InvalidFile, UsageError
from lab.paths import CONTRACTS

HEAD = "Bug: nobody is asked\n  who calls.\nBase: plain/Base.vy\nCaught-by: S6\nIn: a.yaml\nFinding: got: it\n"
DIFF = "--- plain/Base.vy\n+++ broken/bug.vy\n@@ -5,2 +5,1 @@\n owner: address\n-guard: bool\n"
BASE = '# pragma version 0.4.3\n"""\n@title Base\n"""\nowner: address\nguard: bool\n'


@pytest.fixture
def patch(tmp_path: Path) -> Path:
    """A patch and its base in a folder like `contracts`."""
    for name, text in {"broken/bug.patch": f"{HEAD}\n{DIFF}", "plain/Base.vy": BASE}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return tmp_path / "broken/bug.patch"


def refusal(path: Path, text: str) -> list[str]:
    """What is said of a patch file with this text, without the file's name."""
    path.write_text(text)
    with pytest.raises(InvalidFile) as refused:
        read_bug(path)
    return [line.removeprefix(str(path)) for line in str(refused.value).splitlines()]


def test_a_head_says_what_is_known_of_a_bug(patch: Path) -> None:
    """A value may go on in indented lines, and hold colons."""
    bug = read_bug(patch)
    assert (bug.name, bug.summary, bug.base) == ("bug", "nobody is asked\nwho calls.", "plain/Base.vy")
    assert (bug.caught_by, bug.proof, bug.finding) == ("S6", "a.yaml", "got: it")


def test_the_contract_is_the_base_with_the_change_and_its_own_documentation(patch: Path) -> None:
    """The rest of the base is left as it is."""
    assert read_bug(patch).source() == (
        '# pragma version 0.4.3\n"""\n@title bug: a deliberately broken coordinator\n@license MIT\n'
        "@author Tesseract Lab\n@notice Bug: nobody is asked\n        who calls.\n"
        '@dev Otherwise `contracts/plain/Base.vy`. Never deploy it anywhere but in the lab.\n"""\nowner: address\n'
    )


def test_everything_wrong_with_a_head_is_told_at_once(patch: Path) -> None:
    """By its line: an unknown field with the nearest known one, a field twice, what is no field, what is missing."""
    assert refusal(patch, f"Bug: b\nBug: c\nBas: x\nnonsense\nCaught-by:\n\n{DIFF}") == [
        ":2:1: expected it once, got 'Bug: c'",
        ":3:1: expected `Field: value` (did you mean Base?), got 'Bas: x'",
        ":4:1: expected `Field: value` (known: Base, Bug, Caught-by, Finding, In, Kind), got 'nonsense'",
        ":1:1: expected a head with Base, Caught-by, In, got none of that",
    ]


@pytest.mark.parametrize("behind", ["", "--- plain/Base.vy\n", "--- plain/Base.vy\n@@ -1,1 +1,1 @@\n"])
def test_a_head_without_a_change_is_told(patch: Path, behind: str) -> None:
    """Where both files' names should stand."""
    assert refusal(patch, HEAD + behind) == [":7:1: expected `--- BASE` and `+++ CONTRACT` after the head"]


def test_a_base_that_is_not_there_is_told(patch: Path) -> None:
    """With the folder in which it was looked for."""
    patch.write_text(patch.read_text().replace("Base: plain/Base.vy", "Base: plain/Bse.vy"))
    with pytest.raises(UsageError, match=r"bug\.patch: expected `Base:` to name a contract in .*, got plain/Bse\.vy"):
        read_bug(patch).source()


def test_a_patch_that_does_not_fit_names_both_files(patch: Path) -> None:
    """The patch's line and the base's."""
    base = patch.parents[1] / "plain/Base.vy"
    base.write_text(BASE.replace("guard: bool", "guard: uint256"))
    with pytest.raises(InvalidFile) as refused:
        read_bug(patch).source()
    assert str(refused.value).startswith(
        f"{patch}:12:1: expected 'guard: bool\\n' in line 6 of {base}, got 'guard: uint256\\n'; make the patch again"
    )


def test_contracts_are_written_once(patch: Path, tmp_path: Path) -> None:
    """What is up to date is left alone, what is not is replaced, and nothing else is left in the folder."""
    bugs = read_bugs(patch.parent)
    (path,) = write_contracts(bugs, tmp_path / "out")
    first = path.stat().st_ino
    write_contracts(bugs, tmp_path / "out")
    assert path.stat().st_ino == first
    path.write_text("something else")
    write_contracts(bugs, tmp_path / "out")
    assert path.read_text() == bugs["bug"].source()
    assert list((tmp_path / "out").iterdir()) == [path]


def test_the_command_writes_every_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Into the folder that it is given; anything else is a wrong use."""
    assert main([str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(read_bugs())
    assert capsys.readouterr().out == f"{len(read_bugs())} broken contracts in {tmp_path}\n"
    assert main(["--help"]) == 2
    assert "python -m lab.broken [FOLDER]" in capsys.readouterr().err


def test_the_page_of_the_docs_has_every_bug() -> None:
    """`make docs` writes it again."""
    page = docs.PAGE.read_text(encoding="utf-8")
    assert docs.with_table(page) == page
    assert all(f"| `{name}` |" in page for name in read_bugs())
    with pytest.raises(UsageError, match=r"own-contract\.md: expected the lines .* got a page without them"):
        docs.with_table(page.replace("<!-- end -->\n", ""))


def test_every_patch_has_a_base_among_the_correct_contracts() -> None:
    """And no base is there for nothing."""
    used = {bug.base for bug in read_bugs().values()}
    assert used == {f"plain/{path.name}" for path in (CONTRACTS / "plain").glob("*.vy")}
