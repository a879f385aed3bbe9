"""A bundle tells each file that differs, wherever it is opened."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.evidence import RunFolder
from lab.report.readiness_page.files import write_readiness
from lab.report.release.bundle import MANIFEST, verify_bundle, write_bundle
from lab.report.release.sign import sign

from ..fakes import manifest, run, write
from ..judge.test_readiness import TWO, build, catalogue

KEY = "0x" + "42" * 32
RUN = "results/20261124-110000/failures-two/"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A report over one run, whose folder also holds a private key."""
    root = tmp_path / "results"
    folder = run("failures/two", root=root)
    write(folder)
    (folder.path / "keys.json").write_text('{"owner": "secret"}')
    RunFolder(folder.path).seal(manifest("scenarios/failures/two.yaml", "failures/two"))
    write_readiness(build(catalogue(TWO), folder), root / "readiness")
    return root


def rewritten(bundle: Path, change: dict[str, bytes | None]) -> Path:
    """The bundle with files replaced, added, or (None) left out."""
    out = bundle.with_name("changed.tar.gz")
    with tarfile.open(bundle) as source, tarfile.open(out, "w:gz") as target:
        files = {entry.name: source.extractfile(entry).read() for entry in source}  # type: ignore[union-attr]
        for name, content in (files | change).items():
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                target.addfile(entry, io.BytesIO(content))
    return out


def test_whole(results: Path, tmp_path: Path) -> None:
    """Report, evidence and manifest, and no key; twice the same bytes."""
    out = tmp_path / "one.tar.gz"
    files = write_bundle(results, out)
    checked = verify_bundle(out)
    assert (checked.files, checked.differences) == (files, ())
    with tarfile.open(out) as archive:
        names = archive.getnames()
    assert f"{RUN}verdict.json" in names
    assert "results/readiness/readiness.json" in names
    assert not any("keys" in name for name in names)
    again = tmp_path / "two.tar.gz"
    write_bundle(results, again)
    assert gzip.decompress(out.read_bytes()) == gzip.decompress(again.read_bytes())


def test_each_file_that_differs_is_named(results: Path, tmp_path: Path) -> None:
    """Changed, missing and added."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out)
    changed = rewritten(out, {f"{RUN}verdict.json": b"{}  ", f"{RUN}metrics.json": None, "results/extra.txt": b"new"})
    told = verify_bundle(changed).differences
    assert f"{RUN}verdict.json: its sha256 differs from the manifest's" in told
    assert f"{RUN}metrics.json: missing" in told
    assert "results/extra.txt: not in the manifest" in told


def test_evidence_changed_before_it_was_bundled_is_told_by_the_run(results: Path, tmp_path: Path) -> None:
    """The bundle is whole, but its evidence is not what the run wrote."""
    path = results / "20261124-110000" / "failures-two" / "history.jsonl"
    path.write_text("{} ")
    write_bundle(results, tmp_path / "one.tar.gz")
    assert verify_bundle(tmp_path / "one.tar.gz").differences == (f"{RUN}history.jsonl: it is not what the run wrote",)


def test_a_void_signature_is_told(results: Path, tmp_path: Path) -> None:
    """And a valid one is a fact."""
    sign(results / "readiness", name="Ada", decision="GO", note="")
    write_bundle(results, tmp_path / "one.tar.gz")
    (fact,) = verify_bundle(tmp_path / "one.tar.gz").facts
    assert fact.startswith("signed GO by Ada")
    (results / "readiness" / "readiness.json").write_text((results / "readiness" / "readiness.json").read_text() + " ")
    write_bundle(results, tmp_path / "two.tar.gz")
    assert "changed after it was signed GO by Ada" in verify_bundle(tmp_path / "two.tar.gz").differences[0]


def test_signed_with_a_local_key(results: Path, tmp_path: Path) -> None:
    """The address is told; a rewritten manifest is not what was signed."""
    key = tmp_path / "key"
    key.write_text(KEY)
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out, key=key)
    (fact,) = verify_bundle(out).facts
    assert fact.startswith("manifest signed by the key of 0x")
    with tarfile.open(out) as archive:
        stream = archive.extractfile(MANIFEST)
        assert stream is not None
        content = json.loads(stream.read())
    content["files"].pop("results/readiness/readiness.md")
    edited = {MANIFEST: json.dumps(content).encode(), "results/readiness/readiness.md": None}
    assert "the manifest was changed after it was signed" in verify_bundle(rewritten(out, edited)).differences[-1]


def test_a_bad_key_is_not_quoted(results: Path, tmp_path: Path) -> None:
    """The message names the file only."""
    key = tmp_path / "key"
    key.write_text("not-a-key-but-secret")
    with pytest.raises(UsageError) as caught:
        write_bundle(results, tmp_path / "one.tar.gz", key=key)
    assert "not-a-key" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"text", gzip.compress(b"text"), gzip.compress(b"\0" * 10_240)],
    ids=["empty", "text", "packed text", "packed zeros"],
)
def test_what_is_no_bundle_is_an_error(tmp_path: Path, content: bytes) -> None:
    """One line, whatever the file holds."""
    path = tmp_path / "x.tar.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="expected"):
        verify_bundle(path)


def test_links_and_doubles_are_differences(results: Path, tmp_path: Path) -> None:
    """A bundle holds plain files only; nothing is unpacked."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out)
    with tarfile.open(out) as source, tarfile.open(tmp_path / "odd.tar.gz", "w:gz") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
        link = tarfile.TarInfo("../../evil")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
    assert verify_bundle(tmp_path / "odd.tar.gz").differences[0].startswith("../../evil: expected one plain file")


def test_without_a_report_there_is_nothing_to_bundle(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(UsageError, match="run `lab report` first"):
        write_bundle(tmp_path, tmp_path / "out.tar.gz")
