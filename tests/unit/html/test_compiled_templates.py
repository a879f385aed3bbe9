"""Compiled templates are kept, and never stand in the way of the templates themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.html.page import Pages


def shown(folder: Path) -> str:
    """What the template gives in a process that has not seen it."""
    return Pages(folder).render("page.j2", name="a<b")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one template, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "page.j2").write_text("Hello {{ name }}")
    return tmp_path


def test_it_is_compiled_once_and_again_when_it_changes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text comes from the cache; another text does not."""
    assert shown(folder) == "Hello a&lt;b"
    with monkeypatch.context() as patch:
        patch.setattr("jinja2.Environment.compile", lambda *_: pytest.fail("it was compiled again"))
        assert shown(folder) == "Hello a&lt;b"
    (folder / "page.j2").write_text("Bye {{ name }}")
    assert shown(folder) == "Bye a&lt;b"


def test_a_cache_that_is_none_costs_only_time(folder: Path) -> None:
    """A file stands where the folder should be, or a kept template is damaged."""
    shown(folder)
    for kept in (folder / "cache").rglob("*.cache"):
        kept.write_bytes(b"damaged")
    assert shown(folder) == "Hello a&lt;b"
    (folder / "blocked").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "blocked"))
        assert shown(folder) == "Hello a&lt;b"
