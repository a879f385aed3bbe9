"""A path below a URL goes in front of the URL's own query, whatever else the URL holds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lab
from lab.rpc.urls import url_below

ROOT = Path(lab.__file__).parent
# A URL to which something is appended as to any other text.
APPENDED = re.compile(
    r"""\b(?:url|base|address|endpoint|reveal\(\))\.rstrip\("/"\) ?\+|f"\{[\w.]*(?:url|base)\}(?:/|\{|\?)"""
)


@pytest.mark.parametrize(
    ("url", "path", "query", "expected"),
    [
        ("https://h/v1", "/name", None, "https://h/v1/name"),
        ("https://h/v1/", "/name", None, "https://h/v1/name"),
        ("https://h", "/name", None, "https://h/name"),
        ("https://h/v1?key=K", "/name", None, "https://h/v1/name?key=K"),
        ("https://h/v1/?key=K&a=b%20c", "/name/", {"d": "e f"}, "https://h/v1/name/?key=K&a=b%20c&d=e+f"),
        ("https://h/v2/api?key=K", "", {"chainid": 1}, "https://h/v2/api?key=K&chainid=1"),
        ("https://u:p%2F@h:81/v1#part", "/name", {"d": "?#&"}, "https://u:p%2F@h:81/v1/name?d=%3F%23%26"),
        ("https://h?key=K", "/name", {}, "https://h/name?key=K"),
        ("http://[::1", "/name", None, "http://[::1/name"),
    ],
)
def test_paths_below(url: str, path: str, query: dict[str, object] | None, expected: str) -> None:
    """Nothing of the URL's own is lost, changed or moved into the path."""
    assert url_below(url, path, query) == expected


def test_nobody_appends_to_a_url() -> None:
    """By hand a path lands behind the query."""
    modules = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in ROOT.rglob("*.py")}
    assert [name for name, text in modules.items() if APPENDED.search(text) and name != "rpc/urls.py"] == []
