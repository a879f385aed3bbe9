"""The one way in which files are read and replaced: what is no fit file is refused in words, whatever it is."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import BaseModel, ConfigDict

from lab import bounded_files as files
from lab.bounded_files import UnfitFile
from lab.errors import InvalidFile, Problem, UsageError


class Pair(BaseModel):
    """A model to read."""

    left: int
    right: list[int] = []


class Strict(Pair):
    """One that takes no other keys."""

    model_config = ConfigDict(extra="forbid")


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero"), tmp_path / "link"):
        for read in (files.read_bytes, files.read_json, files.sha256_file, files.read_text):
            with pytest.raises(UnfitFile, match="expected a file, got"):
                read(path)


def test_a_file_that_is_absent_is_still_absent(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.read_bytes(tmp_path / "none")
    for name in ("a\0b", "\ud800"):
        with pytest.raises(UnfitFile):
            files.read_bytes(Path(name))


def test_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(UnfitFile, match="expected at most 1048576 bytes, got more"):
        files.read_bytes(path)
    with pytest.raises(UnfitFile, match="expected a line of at most"):
        list(files.read_lines(path, max_bytes=1 << 20, max_lines=10))


def test_an_undecodable_byte_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes(b"one\ntwo \xe9\n")
    with pytest.raises(UnfitFile, match=r"latin\.txt:2: expected UTF-8 text, got the byte 0xe9"):
        files.read_text(path)
    with pytest.raises(UnfitFile, match=r"latin\.txt:2"):
        list(files.read_lines(path, max_bytes=100, max_lines=10))


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000 + "]" * 200_000, '{"a":' * 100_000, "[NaN]", "[1e999", "", "\ud800", "9" * 100_000, "{'a': 1}"],
)
def test_json_of_others_ends_with_one_error(text: str) -> None:
    for parse in (files.parse_json, lambda data, name: files.parse_model(data, Pair, name)):
        with pytest.raises(UnfitFile, match=r"^report\.json: expected"):
            parse(text, "report.json")


@pytest.mark.parametrize(
    "text", ["[" + "[]," * 900_000 + "[]]", "[" + "{}," * 900_000 + "{}]", '"' + "a" * (17 << 20) + '"']
)
def test_json_of_too_many_values_is_not_even_parsed(text: str) -> None:
    with pytest.raises(UnfitFile, match="got more"):
        files.parse_json(text, "report.json")


def test_a_model_names_the_key_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "pair.json"
    path.write_text('{"left": 1, "right": [1, "x"]}')
    with pytest.raises(UnfitFile, match=r"pair\.json: expected a Pair: right\.1: "):
        files.read_model(path, Pair)
    path.write_text('{"left": 1}')
    assert files.read_model(path, Pair) == Pair(left=1)


def test_an_unfit_file_can_be_caught_as_what_it_stands_for() -> None:
    error = UnfitFile("a.json", "expected JSON")
    assert all(isinstance(error, kind) for kind in (UsageError, OSError, ValueError))
    assert str(error) == "a.json: expected JSON"
    assert error.strerror == "expected JSON"


def test_only_a_line_feed_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("a\u2028b\nc\x85d", encoding="utf-8")
    assert list(files.read_lines(path, max_bytes=100, max_lines=3)) == ["a\u2028b", "c\x85d"]


def test_the_tail_of_a_log_is_short_however_long_the_log_is(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nfirst \xff\nlast\n")
    assert files.tail(path, lines=2) == ["first \ufffd", "last"]
    assert files.tail(tmp_path / "none", lines=2) == []


def test_a_planted_link_is_neither_followed_nor_left(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for planted in (".state.json.tmp", "state.json"):
        (tmp_path / planted).symlink_to(victim)
    files.write_atomically(tmp_path / "state.json", "new")
    assert victim.read_text() == "mine"
    assert (tmp_path / "state.json").read_text() == "new"
    assert not (tmp_path / "state.json").is_symlink()
    (tmp_path / "log").symlink_to(victim)
    with pytest.raises(OSError, match="log"):
        files.open_append(tmp_path / "log")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    files.write_atomically(path, "old", mode=0o600, durable=True)
    with pytest.raises(TypeError), files.replacing(path) as stream:
        stream.writelines([b"half", None])  # type: ignore[list-item]
    assert path.read_text() == "old"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOSPC])
def test_a_write_that_fails_names_the_file_and_not_its_temporary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int
) -> None:
    """No room while it is written comes without any name, no access with the temporary's."""
    path = tmp_path / "out.yaml"
    if number == errno.EACCES:
        monkeypatch.setattr("os.open", lambda place, *_: _raise(OSError(number, os.strerror(number), str(place))))
    else:
        monkeypatch.setattr("os.fsync", lambda _: _raise(OSError(number, os.strerror(number))))
    with pytest.raises(OSError, match=os.strerror(number)) as caught:
        files.write_atomically(path, "new", durable=True)
    assert caught.value.filename == str(path)


def _raise(error: OSError) -> NoReturn:
    raise error


def test_a_name_as_long_as_the_file_system_has_can_be_written(tmp_path: Path) -> None:
    for name in ("n" * 255, "é" * 127):
        files.write_atomically(tmp_path / name, "x")
        assert (tmp_path / name).read_text() == "x"


def _write_often(path: Path, number: int) -> int:
    torn = 0
    for _ in range(200):
        files.write_atomically(path, f"{number}" * 4000)
        torn += len(set(files.read_text(path))) != 1
    return torn


@pytest.mark.reliability
def test_two_processes_may_write_one_path(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        torn = list(pool.map(_write_often, [tmp_path / "state"] * 2, [1, 2]))
    assert torn == [0, 0]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(("answer", "said"), [(None, "nothing to read"), (OSError(5, "Input/output"), "Input/output")])
def test_a_file_that_cannot_be_read_is_named(
    answer: OSError | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's own files end so: one that others have yet to write to, and the memory of a process."""

    class Stream(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if answer is not None:
                raise answer
            return None  # type: ignore[return-value]

    monkeypatch.setattr(files, "open_regular", lambda _: Stream())
    with pytest.raises(UnfitFile, match=f"odd: expected a file.*{said}"):
        files.read_bytes(tmp_path / "odd")


def test_lines_of_json_are_bounded_by_their_values(tmp_path: Path) -> None:
    """Whoever keeps them all needs some 200 bytes for each, however small the file is."""
    path = tmp_path / "history.jsonl"
    path.write_text('{"a":[1,2]}\n' * 10, encoding="utf-8")
    assert len(list(files.read_lines(path, max_bytes=1000, max_lines=100, max_values=30))) == 10
    with pytest.raises(files.UnfitFile, match="expected at most 29 values, got more"):
        list(files.read_lines(path, max_bytes=1000, max_lines=100, max_values=29))


def test_very_many_faults_are_counted_and_not_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To list 385,000 took 200 MB."""

    class Closed(BaseModel, extra="forbid"):
        a: int = 0

    path = tmp_path / "closed.json"
    path.write_text('{"b": 1, "c": 2}', encoding="utf-8")
    with pytest.raises(files.UnfitFile, match="expected a Closed: b: Extra inputs are not permitted"):
        files.read_model(path, Closed)
    monkeypatch.setattr(files, "FAULTS_MAX", 1)
    with pytest.raises(files.UnfitFile, match="expected a Closed: 2 things in it do not fit"):
        files.read_model(path, Closed)


def test_a_model_has_fewer_values_than_other_json() -> None:
    """Each entry that does not fit becomes an error of half a kilobyte, before anybody counts them."""
    for text in ('{"left": 1, "right": [%s]}' % ("1," * files.MODEL_VALUES_MAX + "1"), "[" * (1 << 20)):
        with pytest.raises(UnfitFile, match=f"at most .* and {files.MODEL_VALUES_MAX} values"):
            files.parse_model(text, Pair, "x")


def test_no_message_quotes_a_file_whole() -> None:
    """A key, a value or a line of others may have many MB, and there may be very many of them."""
    with pytest.raises(UnfitFile) as refused:
        files.parse_model('{"left": 1, "right": [1], "%s": 1}' % ("k" * 10_000_000), Strict, "x")
    problem = Problem("x.yaml", 1, 1, "k" * 100_000, "m" * 100_000)
    for error in (
        refused.value,
        UsageError("q" * 1_000_000),
        InvalidFile([problem] * 5_000),
        UnfitFile("x", "y" * 5_000),
    ):
        said = str(error)
        assert max(map(len, said.split("\n"))) < 2_100
        assert said.count("\n") <= 1_000
        assert "characters)" in said
