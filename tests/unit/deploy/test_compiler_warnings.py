"""Warnings of the compiler are told, one line each."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.deploy.vyper.compiler_warnings import compiler_warnings
from lab.deploy.vyper.source import VyperSource, read_source
from lab.errors import CompileFailure

CLEAN = "# pragma version 0.4.3\nflag State:\n    A\n    B\n\nstate: public(State)\n"


def source(folder: Path, text: str) -> VyperSource:
    """A source on disk."""
    path = folder / "Contract.vy"
    path.write_text(text, encoding="utf-8")
    return read_source(path)


def test_a_clean_source_has_none(tmp_path: Path) -> None:
    """Nothing but its output."""
    assert compiler_warnings(source(tmp_path, CLEAN)) == []


def test_a_deprecated_word_is_told(tmp_path: Path) -> None:
    """Without the path that the compiler adds."""
    (found,) = compiler_warnings(source(tmp_path, CLEAN.replace("flag", "enum")))
    assert "enum" in found
    assert "\n" not in found


def test_an_error_is_no_warning(tmp_path: Path) -> None:
    """It names its line."""
    with pytest.raises(CompileFailure, match=r"Contract\.vy:6"):
        compiler_warnings(source(tmp_path, CLEAN.replace("public(State)", "public(Stat)")))


OLD = "# @version 0.3.10\n\n@external\n@view\ndef double(x: uint256) -> uint256:\n    return 2 * x\n"


@pytest.mark.older_vyper
def test_what_python_says_of_an_old_compiler_is_no_warning_of_the_source(tmp_path: Path) -> None:
    """Python 3.12 warns of each number that the compiler's syntax tree reads; the compiler's own words are told."""
    assert compiler_warnings(source(tmp_path, OLD)) == []
    (found,) = compiler_warnings(source(tmp_path, OLD + "\nmany: uint256[18446744073709551616]\n"))
    assert found == "Use of large arrays can be unsafe!"
