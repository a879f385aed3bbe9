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
