"""A relayer's log as the lab shows and keeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.chains.processes.log_tail import LINE_CHARACTERS, LINES, cap_log, close_log, last_lines
from lab.model.redacted import RedactedCommand

KEY = "0x" + "ab" * 32
NASTY = ["\x1b[31mred", "a\u202eb", "\u2066c", "\x00nul", "\x9bcsi", "\ufeffbom", "\x07bell"]


@pytest.mark.parametrize("text", NASTY)
def test_nothing_reaches_a_terminal(tmp_path: Path, text: str) -> None:
    """Control characters and those that turn the direction of text are shown as escapes, on screen and on disk."""
    log = tmp_path / "relayer.log"
    log.write_text(f"{text}\n", encoding="utf-8")
    assert all(character.isprintable() for line in last_lines(log).splitlines() for character in line)
    close_log(log)
    assert all(line.isprintable() for line in log.read_text(encoding="utf-8").splitlines())


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Keys by their form, and what the command was given by its value."""
    log = tmp_path / "relayer.log"
    cut = "x " * (LINE_CHARACTERS // 2 - 10) + KEY
    log.write_text(f"my key is {KEY}\nand the word is CANARY-77\n{cut}", encoding="utf-8")
    redact = RedactedCommand("relay --api-key CANARY-77").redact_in
    shown = last_lines(log, redact=redact)
    close_log(log, redact)
    for text in (shown, log.read_text(encoding="utf-8")):
        assert "CANARY" not in text
        assert "abab" not in text


def test_a_long_log_is_capped(tmp_path: Path) -> None:
    """Its end stays, with a line that says how much is gone; few lines of few characters are quoted."""
    log = tmp_path / "relayer.log"
    log.write_bytes(b"".join(b"%06d %s\n" % (number, b"y" * 1000) for number in range(2000)))
    cap_log(log, bytes_max=10_000_000)
    assert log.stat().st_size > 2_000_000
    cap_log(log, bytes_max=1_000_000, kept_bytes=100_000)
    lines = log.read_text().splitlines()
    assert lines[0].startswith("[the lab dropped 19")
    assert lines[-1].startswith("001999")
    assert log.stat().st_size <= 100_100
    quoted = last_lines(log).splitlines()
    assert len(quoted) == LINES
    assert max(map(len, quoted)) <= LINE_CHARACTERS + 4


def test_a_writer_that_appends_goes_on(tmp_path: Path) -> None:
    """Cutting leaves no hole before what is written next."""
    log = tmp_path / "relayer.log"
    with log.open("ab") as writer:
        writer.write(b"old\n" * 5000)
        writer.flush()
        cap_log(log, bytes_max=1000, kept_bytes=100)
        writer.write(b"new\n")
    assert log.read_bytes().endswith(b"old\nnew\n")
    assert b"\0" not in log.read_bytes()


def test_no_log(tmp_path: Path) -> None:
    log = tmp_path / "none.log"
    cap_log(log)
    close_log(log)
    assert last_lines(log) == "  | (the log is empty)"
