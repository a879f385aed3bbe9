"""Which addresses may be loaded, and how a session that is not there is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.load.prepare.sources import is_loopback, parse_urls, running_session
from lab.model.redacted import RedactedUrl


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("localhost", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("example.com", False),
        ("127.0.0.1.example.com", False),
        ("localhost.evil", False),
    ],
)
def test_loopback(host: str, here: bool) -> None:
    """Names that would have to be looked up are not this machine."""
    assert is_loopback(host) is here


def test_other_machines_need_a_word() -> None:
    """Refused, unless --allow-remote is given."""
    with pytest.raises(UsageError, match=r"10\.0\.0\.1 is not this machine.*--allow-remote"):
        parse_urls(["base=http://10.0.0.1:8545"], allow_remote=False)
    assert parse_urls(["base=http://10.0.0.1:8545"], allow_remote=True) == {"base": RedactedUrl("http://10.0.0.1:8545")}


@pytest.mark.parametrize(
    ("urls", "told"),
    [
        (["http://127.0.0.1:1"], "NETWORK=http"),
        (["base=127.0.0.1:1"], "neither http:// nor https://"),
        (["base=ftp://127.0.0.1"], "neither http:// nor https://"),
        (["base="], "neither http:// nor https://"),
        (["base=http://"], "no host"),
        (["base=http://127.0.0.1:abc"], "its port is no number"),
        (["base=http://127.0.0.1:99999"], "its port is no number"),
        (["base=http://127.0.0.1:0"], "its port is no number"),
        (["base=http://127.0.0.1:-1"], "its port is no number"),
        (["base=http://[::1"], "its host is malformed"),
        (["base=http://[x]:1"], "its host is malformed|no host, or a malformed one"),
        (["base=http://a b/"], "malformed"),
        (["base=http://127.0.0.1:1/\u00e9"], "write them as %XX"),
        (["base=http://127.0.0.1:1/a b"], "write them as %XX"),
        (["base=http://127.0.0.1:1/a\nb"], "write them as %XX"),
        (["bse=http://127.0.0.1:1"], "did you mean base"),
        (["base=http://127.0.0.1:1", "base=http://127.0.0.1:2"], "base twice"),
    ],
)
def test_urls_that_are_none(urls: list[str], told: str) -> None:
    """Each says what was expected."""
    with pytest.raises(UsageError, match=told):
        parse_urls(urls, allow_remote=False)


def test_no_session(tmp_path: Path) -> None:
    """The error says how to start networks."""
    with pytest.raises(UsageError, match="lab up"):
        running_session(tmp_path / "session.json")
    (tmp_path / "session.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="expected schema_version 1, got none"):
        running_session(tmp_path / "session.json")
