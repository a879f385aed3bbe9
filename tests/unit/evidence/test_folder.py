"""A run folder: sealed, read back, and every kind of tampering noticed with the file named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.bounded_files import write_atomically
from lab.errors import EvidenceFailure
from lab.evidence import Recorder, RunFolder
from lab.evidence.seal import write_started
from lab.model.records import Header, Note
from lab.model.verdict import RunVerdict, Verdict

from ..characters import ANY

HEADER = Header(
    t_ms=0, scenario="s", item="i", seed=1, clock="virtual", genesis_time=0, window_s=30, chains={}, roles={},
    operators={}, legs=(), capabilities=(), poll_ms=0, rpc_budget_ms=0, execution_order="ready",
)  # fmt: skip
VERDICT = RunVerdict(scenario="s", item="i", verdict=Verdict.PASS, reasons=(), checks=(), repeat="pytest s.yaml::i")


def sealed(path: Path, *texts: str) -> RunFolder:
    """A folder as a run leaves it."""
    path.mkdir(parents=True, exist_ok=True)
    recorder = Recorder(path / "history.jsonl")
    recorder.add(HEADER)
    for text in texts or ("one", "two"):
        recorder.add(Note(t_ms=1, kind="k", text=text))
    recorder.close()
    write_atomically(path / "verdict.json", VERDICT.model_dump_json())
    write_atomically(path / "metrics.json", "{}")
    folder = RunFolder(path)
    folder.seal({"seed": 1})
    return folder


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """History, verdict, metrics and manifest, and nothing differs."""
    folder = sealed(tmp_path)
    assert [record.seq for record in folder.history().records] == [0, 1, 2]
    assert folder.verdict() == VERDICT
    assert folder.metrics() == {}
    assert folder.manifest()["seed"] == 1
    assert folder.verify() == []


@settings(max_examples=60)
@given(text=st.text(ANY, max_size=20))
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Unicode's own line separators included: only a line feed ends a line."""
    folder = sealed(tmp_path_factory.mktemp("run"), text)
    assert [note.text for note in folder.history().of(Note)] == [text]


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x1c", "\r"])
def test_separators_of_unicode_do_not_end_a_line(tmp_path: Path, separator: str) -> None:
    """A scenario's text may hold them, and JSON need not escape them."""
    folder = sealed(tmp_path, f"a{separator}b")
    assert [note.text for note in folder.history().of(Note)] == [f"a{separator}b"]


@pytest.mark.parametrize("name", ["history.jsonl", "verdict.json", "metrics.json"])
def test_one_changed_byte_is_noticed(tmp_path: Path, name: str) -> None:
    """In any file, even where it still parses."""
    folder = sealed(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[-2] ^= 1
    (tmp_path / name).write_bytes(data)
    assert folder.verify() == [f"{tmp_path / name}: its digest is not the one that the run recorded"]


@pytest.mark.parametrize("name", ["history.jsonl", "verdict.json", "metrics.json"])
def test_a_missing_file_is_noticed(tmp_path: Path, name: str) -> None:
    """And reading it says which."""
    folder = sealed(tmp_path)
    (tmp_path / name).unlink()
    assert folder.verify() == [f"{tmp_path / name}: expected the file, found none"]
    read = {"history.jsonl": folder.history, "verdict.json": folder.verdict, "metrics.json": folder.metrics}[name]
    with pytest.raises(EvidenceFailure, match=name):
        read()


def test_a_removed_line_is_noticed(tmp_path: Path) -> None:
    """The rest still parses, the digest does not match."""
    folder = sealed(tmp_path)
    path = tmp_path / "history.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    assert len(folder.history().records) == 2
    assert len(folder.verify()) == 1


def test_a_truncated_line_says_where(tmp_path: Path) -> None:
    """File and line number, and what to do."""
    folder = sealed(tmp_path)
    path = tmp_path / "history.jsonl"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(EvidenceFailure, match=r"history\.jsonl:3:1: expected a history record.*run the scenario again"):
        folder.history()


@pytest.mark.parametrize("content", [b"", b"\n", b'{"type": "note", "t_ms": 0, "kind": "k", "text": "t"}\n'])
def test_a_history_without_its_header(tmp_path: Path, content: bytes) -> None:
    """An empty file, an empty line, a history that lost its beginning."""
    (tmp_path / "history.jsonl").write_bytes(content)
    with pytest.raises(EvidenceFailure, match=r"history\.jsonl:1:1"):
        RunFolder(tmp_path).history()


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"verdict": 1', b"null"])
def test_files_of_another_shape(tmp_path: Path, content: bytes) -> None:
    """No stack trace of a parser, whatever is in the file."""
    for name in ("verdict.json", "manifest.json", "metrics.json", "history.jsonl"):
        (tmp_path / name).write_bytes(content)
    folder = RunFolder(tmp_path)
    for read in (folder.verdict, folder.manifest, folder.metrics, folder.verify):
        with pytest.raises(EvidenceFailure, match=r"(verdict|manifest|metrics)\.json"):
            read()
    with pytest.raises(EvidenceFailure, match=r"history\.jsonl"):
        folder.history()


def test_a_manifest_without_digests_proves_nothing(tmp_path: Path) -> None:
    """Taking the digests out does not make tampering pass."""
    folder = sealed(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    del manifest["digests"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    seal, digests = folder.verify()
    assert "expected it to end with its own digest" in seal
    assert "expected the digests" in digests
    manifest["digests"] = {}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert len(folder.verify()) == 4


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("manifest.json", '"seed": 1', '"seed": 2'),
        ("manifest.json", "}\n", "}\n\n"),
        ("manifest.json", '"state": "ended"', '"state": "started"'),
    ],
)
def test_any_byte_of_the_manifest_counts(tmp_path: Path, name: str, old: str, new: str) -> None:
    """The manifest ends with a digest of itself."""
    folder = sealed(tmp_path)
    path = tmp_path / name
    path.write_text(path.read_text().replace(old, new))
    assert folder.verify()[0].startswith(f"{path}: ")
    with pytest.raises(EvidenceFailure, match=r"manifest\.json"):
        folder.sealed_manifest()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"seed": 2}, "seed"),
        ({"item": "j"}, "item"),
        ({"clock": "real"}, "clock"),
        ({"networks": {"a": "b"}}, "networks"),
    ],
)
def test_what_was_sealed_again_must_still_be_one_story(tmp_path: Path, changes: dict[str, object], name: str) -> None:
    """The history's header says what was run, too."""
    folder = sealed(tmp_path)
    folder.seal(folder.manifest() | changes)
    assert f"{tmp_path / 'manifest.json'}: its {name} is not that of history.jsonl" in folder.verify()


def test_a_missing_record_is_noticed_though_it_was_sealed_again(tmp_path: Path) -> None:
    """Records are numbered without a gap."""
    folder = sealed(tmp_path, "one", "two", "three")
    path = tmp_path / "history.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:2], *lines[3:]]))
    folder.seal(folder.manifest())
    with pytest.raises(EvidenceFailure, match=r"history\.jsonl:3:1: expected record 2, got 3"):
        folder.history()


def test_damage_takes_no_failure_back(tmp_path: Path) -> None:
    """The verdict stands in two files, and one is enough."""
    folder = sealed(tmp_path)
    write_atomically(tmp_path / "verdict.json", VERDICT.model_copy(update={"verdict": Verdict.FAIL}).model_dump_json())
    folder.seal(folder.manifest())
    (tmp_path / "verdict.json").write_text("{")
    assert folder.failed()
    folder.seal({})
    assert not folder.failed()


def test_a_run_that_was_only_started_says_so(tmp_path: Path) -> None:
    """No verdict, nothing that differs."""
    write_started(tmp_path, {"item": "i"})
    folder = RunFolder(tmp_path)
    assert not folder.ended()
    assert folder.verify() == []
    with pytest.raises(EvidenceFailure, match="did not end"):
        folder.verdict()


def test_write_atomically_makes_folders_and_leaves_no_rest(tmp_path: Path) -> None:
    """The temporary file is gone."""
    write_atomically(tmp_path / "a" / "b.json", "text")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a" / "b.json").read_text() == "text"


def test_a_history_of_more_values_than_memory_bears_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of 64 MB took 1.2 GB as records."""
    folder = sealed(tmp_path, *"abcdefghij")
    monkeypatch.setattr("lab.evidence.folder.HISTORY_VALUES_MAX", 50)
    with pytest.raises(EvidenceFailure, match=r"history\.jsonl: .*expected at most 50 values, got more"):
        folder.history()
