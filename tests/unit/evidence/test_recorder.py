"""The recorder: numbered lines on disk and in memory alike, and a digest that depends on nothing but them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab.checks.verdict import judge_recorded
from lab.evidence import HistoryFull, Recorder, history_digest
from lab.evidence.recorder import record_line
from lab.model.checks import CheckSelection
from lab.model.records import RECORD, TOO_LONG, Note
from lab.model.verdict import Verdict
from tests.unit.test_cli import HEADER

DIGEST_OF_TWO = """
from lab.evidence import history_digest
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import FaultMark, Note
print(history_digest([Note(seq=0, t_ms=1, kind="k", text="t"), FaultMark(
    seq=1, t_ms=2, id="f", fault="reorg", chain="a", phase="inject", params={"depth": 3, "orphans": "dropped"},
    effects=FaultEffects(chains=("a",)))]))
"""


def note(text: str, t_ms: int = 0) -> Note:
    """A line."""
    return Note(t_ms=t_ms, kind="k", text=text)


def test_lines_are_appended_and_numbered(tmp_path: Path) -> None:
    """The file holds what memory holds, in the order of arrival, whatever number a record came with."""
    recorder = Recorder(tmp_path / "history.jsonl")
    added = [recorder.add(note(text).model_copy(update={"seq": 99})) for text in ("one", "two")]
    recorder.close()
    lines = [RECORD.validate_json(line) for line in (tmp_path / "history.jsonl").read_text().split("\n")[:-1]]
    assert [record.seq for record in added] == [0, 1]
    assert lines == added == recorder.records


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    """Whoever has the file can compute it with sha256sum."""
    recorder = Recorder(tmp_path / "h")
    for text in ("one", "ö \u2028 line"):
        recorder.add(note(text))
    recorder.close()
    assert history_digest(recorder.records) == recorder.digest() == _sha256(tmp_path / "h")


def _sha256(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_digest_knows_order_and_content() -> None:
    """Two lines swapped, or one millisecond more, make another digest."""
    one, two = note("one"), note("two")
    assert len({history_digest(lines) for lines in ([one, two], [two, one], [one], [note("one", 1), two])}) == 4


def test_the_digest_is_the_same_in_every_process() -> None:
    """No hash seed and no locale has a say in it."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST_OF_TWO],
            env={**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale},
            check=True, capture_output=True, text=True,
        ).stdout
        for seed, locale in (("1", "C"), ("2", "C.UTF-8"))
    }  # fmt: skip
    assert len(digests) == 1
    assert len(digests.pop().strip()) == 64


def test_a_record_is_one_line() -> None:
    """A line break inside a text does not make a second line."""
    assert "\n" not in record_line(note("a\nb\r\nc"))


def test_threads_do_not_share_numbers(tmp_path: Path) -> None:
    """The proxy of the real clock records from its own thread."""
    recorder = Recorder(tmp_path / "h")
    threads = [threading.Thread(target=lambda: [recorder.add(note("x")) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.close()
    numbers = [RECORD.validate_json(line).seq for line in (tmp_path / "h").read_text().split("\n")[:-1]]
    assert numbers == list(range(800))


def test_after_closing_memory_goes_on(tmp_path: Path) -> None:
    """Closing twice is no error, and the file keeps what it had."""
    recorder = Recorder(tmp_path / "h")
    recorder.add(note("in"))
    recorder.close()
    recorder.close()
    recorder.add(note("out"))
    assert len((tmp_path / "h").read_text().splitlines()) == 1
    assert len(recorder.records) == 2


def test_no_history_before_the_header() -> None:
    """As the docstring says."""
    with pytest.raises(ValueError, match="header"):
        Recorder(None).history()


@pytest.mark.parametrize(
    ("bound", "what"),
    [("HISTORY_VALUES_MAX", "values"), ("HISTORY_BYTES_MAX", "bytes"), ("HISTORY_LINES_MAX", "records")],
)
def test_a_run_that_is_too_long_is_unknown_at_once(
    bound: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads its history again, so it shows nothing; it says so before it ends."""
    recorder = Recorder(tmp_path / "history.jsonl")
    recorder.add(HEADER)
    assert recorder.excess() == ""
    monkeypatch.setattr(f"lab.evidence.recorder.{bound}", 0)
    assert f" {what}, at most 0 are read" in recorder.excess()
    kept = (tmp_path / "history.jsonl").stat().st_size, len(recorder.records)
    with pytest.raises(HistoryFull, match=f" {what}, at most 0 are read"):
        recorder.add(note("too much"))
    other = threading.Thread(target=recorder.add, args=(note("of a guest"),))
    other.start()
    other.join()
    assert ((tmp_path / "history.jsonl").stat().st_size, len(recorder.records)) == kept
    recorder.end()
    recorder.add(Note(t_ms=1, kind=TOO_LONG, text=recorder.excess()))
    verdict = judge_recorded(recorder.history(), CheckSelection(False, (), ()), "again")
    assert verdict.verdict is Verdict.UNKNOWN
    assert what in verdict.reasons[0]
