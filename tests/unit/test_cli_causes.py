"""`lab causes`: the causes of a session again, from its evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.commands.release.causes import say_causes
from lab.errors import UsageError
from lab.model.verdict import Verdict
from tests.unit.report.fakes import run, write

FIRST, SECOND = "20261124-110000-aaaa", "20261124-120000-aaaa"


def test_a_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the results folder or by its own, which says the same; 1 with causes, 0 without."""
    failed = write(
        run("failures/parent_reorged", Verdict.FAIL, checks={"S2": Verdict.FAIL}, root=tmp_path, session=FIRST)
    )
    assert say_causes(tmp_path, False) == 1
    text = capsys.readouterr().out
    assert "1. S2 FAIL parent final: A child is READY only on a final parent" in text
    assert (failed.path.parent / "causes.html").is_file()
    assert say_causes(failed.path.parent, False) == 1
    assert capsys.readouterr().out == text
    write(run("failures/breaker_drill", root=tmp_path, session=SECOND))
    assert say_causes(tmp_path / SECOND, True) == 0
    assert "no failure in 1 run\n" in capsys.readouterr().out


def test_no_session(tmp_path: Path) -> None:
    """It says what it expected."""
    with pytest.raises(UsageError, match="expected a session's folder"):
        say_causes(tmp_path, False)
