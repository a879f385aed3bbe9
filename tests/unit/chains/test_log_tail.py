"""A relayer's log as the lab shows and keeps it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chains.processes.guest_log import PUBLISHED_BYTES, RAW_BYTES_KEPT, RAW_BYTES_MAX, GuestLog
from lab.chains.processes.log_tail import (
    LINE_CHARACTERS,
    LINES,
    SEARCHED_CHARACTERS,
    TAIL_BYTES,
    last_lines,
    quoted,
    telling_line,
)
from lab.model.redacted import RedactedCommand

KEY = "0x" + "ab" * 32
NASTY = ["\x1b[31mred", "a\u202eb", "\u2066c", "\x00nul", "\x9bcsi", "\ufeffbom", "\x07bell"]


def write(log: GuestLog, data: bytes) -> None:
    """As a program that was given its handle."""
    assert os.write(log.fileno(), data) == len(data)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GuestLog]:
    log = GuestLog(tmp_path / "logs" / "relayer.log", RedactedCommand("relay --api-key CANARY-77").redact_in)
    yield log
    log.close()


def published(log: GuestLog, *, ended: bool = False) -> str:
    """What its path holds once what is new had to be published; nothing before the first time."""
    log._next_s = 0.0
    log.publish(ended=ended)
    return log.path.read_text(encoding="utf-8") if log.path.exists() else ""


@pytest.mark.parametrize("text", NASTY)
def test_nothing_reaches_a_terminal(log: GuestLog, text: str) -> None:
    """Control characters and those that turn the direction of text are shown as escapes, on screen and on disk."""
    write(log, f"{text}\n".encode())
    assert all(character.isprintable() for line in log.tail().splitlines() for character in line)
    assert all(line.isprintable() for line in published(log).splitlines())


def test_secrets_are_not_shown(log: GuestLog) -> None:
    """Keys by their form, and what the command was given by its value."""
    cut = "x " * (LINE_CHARACTERS // 2 - 10) + KEY
    write(log, f"my key is {KEY}\nand the word is CANARY-77\n{cut}".encode())
    shown = log.tail()
    log.close()
    for text in (shown, log.path.read_text(encoding="utf-8"), last_lines(log.path), log.tail()):
        assert "my key is ***" in text
        assert "CANARY" not in text
        assert "abab" not in text


def test_half_of_a_key_is_hidden_too(log: GuestLog) -> None:
    """A long line is searched to a certain place; what is hidden before that brings the place nearer."""
    keys = " ".join([KEY] * (SEARCHED_CHARACTERS // len(KEY) + 1))
    write(log, f"{keys}\n".encode())
    assert set(published(log).split()) == {"***", "..."}


def test_what_is_left_of_a_cut_line_is_not_shown(log: GuestLog) -> None:
    """Neither the end of a line that began before what is read, nor a line that has no end."""
    write(log, b"x" * PUBLISHED_BYTES + b"CANARY-77\nwhole\n" + b"y" * (TAIL_BYTES - 10))
    assert "CAN" not in published(log, ended=True) + log.tail()
    write(log, b"CANARY-77" * (PUBLISHED_BYTES // 9 + 2))
    assert len(published(log).splitlines()) == 1
    assert published(log, ended=True).splitlines()[1:] == [f"[a line of more than {PUBLISHED_BYTES} bytes]"]
    assert log.tail() == f"  | [a line of more than {TAIL_BYTES} bytes]"


def test_no_file_with_a_name_has_them(log: GuestLog) -> None:
    """At no moment: what is raw goes with the process that holds it."""
    write(log, f"{KEY}\n".encode())
    published(log)
    assert [path.name for path in log.path.parent.iterdir()] == ["relayer.log"]
    assert log.path.read_text(encoding="utf-8") == "***\n"


def test_a_line_is_published_whole(log: GuestLog) -> None:
    """Half of a secret is one, too: the last line waits for its end, or for the program's."""
    write(log, b"first\nCANARY")
    assert published(log) == "first\n"
    write(log, b"-77")
    assert published(log) == "first\n"
    assert published(log, ended=True) == "first\n***\n"
    write(log, b"\nfrom the next start\n")
    assert published(log) == "first\n***\nfrom the next start\n"


def test_it_is_published_now_and_then(log: GuestLog) -> None:
    """Not at each look, for that takes its time; at once where the program has ended."""
    write(log, b"one\n")
    log.publish()
    write(log, b"two\n")
    log.publish()
    assert log.path.read_text(encoding="utf-8") == "one\n"
    log.publish(ended=True)
    assert log.path.read_text(encoding="utf-8") == "one\ntwo\n"


def test_a_long_log_is_capped(log: GuestLog) -> None:
    """Its end stays, with a line that says how much is gone; few lines of few characters are quoted."""
    line, count = b"%06d " + b"y" * 1000 + b"\n", RAW_BYTES_MAX // 1000
    write(log, b"".join(line % number for number in range(count)))
    write(log, line % count)
    lines = published(log).splitlines()
    assert os.fstat(log.fileno()).st_size == RAW_BYTES_KEPT
    gone = (count + 1) * len(line % 0) - PUBLISHED_BYTES
    assert lines[0] == f"[the lab dropped {gone} bytes and the rest of a line before this one]"
    assert lines[-1].startswith(f"{count:06d}")
    assert log.path.stat().st_size <= PUBLISHED_BYTES
    write(log, line % (count + 1))
    assert published(log).splitlines()[-1].startswith(f"{count + 1:06d}")
    assert "\0" not in log.path.read_text(encoding="utf-8")
    quoted = log.tail().splitlines()
    assert len(quoted) == LINES
    assert max(map(len, quoted)) <= LINE_CHARACTERS + 4


def test_a_full_disk_is_no_error(log: GuestLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on without what cannot be written."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    write(log, b"one\n")
    with monkeypatch.context() as patched:
        patched.setattr("lab.chains.processes.guest_log.write_atomically", full)
        assert published(log) == ""
    assert published(log) == "one\n"


def test_a_program_that_says_nothing(log: GuestLog) -> None:
    """Its log is there from the start, and empty."""
    assert log.fileno() > 2
    assert log.path.read_text(encoding="utf-8") == ""
    assert log.tail() == "  | (the log is empty)"


@pytest.mark.parametrize(
    ("lines", "telling"),
    [
        (["Traceback (most recent call last):", "  File x", "KeyError: 'nonce'"], "KeyError: 'nonce'"),
        (
            ["Error: Cannot find module 'x'", "Require stack:", "  at f (node:x)", "", "Node.js v20.1.0"],
            "Error: Cannot",
        ),
        (["thread 'main' panicked at src/main.rs:4:5:", "note: run with `RUST_BACKTRACE=1`"], "thread 'main' panicked"),
        (["polling", "stopped"], "stopped"),
        ([], ""),
    ],
)
def test_the_line_that_says_why(lines: list[str], telling: str) -> None:
    """The last one that names an error, as Python, Node.js and Rust write them."""
    said = telling_line(quoted("\n".join(lines)))
    assert said.startswith(telling)
    assert bool(said) is bool(lines)


def test_no_log(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == "  | (the log is empty)"
