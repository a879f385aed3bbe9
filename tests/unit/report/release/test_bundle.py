"""A bundle tells each file that differs, wherever it is opened."""

from __future__ import annotations

import functools
import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest

from lab.commands.release.bundle import deployment_page
from lab.errors import UsageError
from lab.evidence.newest import runs_of
from lab.report.causes.find import find_causes
from lab.report.causes.page import write_causes, write_session_pages
from lab.report.evidence.baseline import Baseline
from lab.report.readiness_page.files import write_page_again, write_readiness
from lab.report.release.bundle import MANIFEST, SIGNATURE, write_bundle
from lab.report.release.local_key import LocalSigner, load_signer
from lab.report.release.sign import Opinion, sign
from lab.report.release.verify import verify_bundle as verify_any_bundle
from lab.report.release.verify import verify_results as verify_any_results

from ..fakes import readiness, run, write
from ..judge.test_readiness import TWO, catalogue

verify_bundle = functools.partial(verify_any_bundle, deployment_page=deployment_page)
verify_results = functools.partial(verify_any_results, deployment_page=deployment_page)
SESSION, RUN_NAME = "20261124-110000", "failures-two"
MADE = {"commit": "ab" * 20, "version": "0.1.0"}
RUN = f"results/{SESSION}/{RUN_NAME}/"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A report over one run, whose folder also holds a private key and databases."""
    root = tmp_path / "results"
    folder = write(run("failures/two", root=root))
    for name in ("keys.json", "relayer.sqlite", "relayer.sqlite.twin", "relayer.sqlite-wal"):
        (folder.path / name).write_text("secret")
    baseline = Baseline(lab_commit=MADE["commit"], lab_version=MADE["version"])
    write_readiness(readiness(catalogue(TWO), [folder], baseline=baseline), root / "readiness")
    return root


@pytest.fixture
def signer(tmp_path: Path) -> LocalSigner:
    """A key that only its owner can read."""
    path = tmp_path / "key"
    path.write_text("0x" + "42" * 32)
    path.chmod(0o600)
    return load_signer(path)


def rewritten(bundle: Path, change: dict[str, bytes | None]) -> Path:
    """The bundle with files replaced, added, or (None) left out, by a tool that is not the lab's."""
    out = bundle.with_name("changed.tar.gz")
    with tarfile.open(bundle) as source, tarfile.open(out, "w:gz") as target:
        files = {entry.name: source.extractfile(entry).read() for entry in source}  # type: ignore[union-attr]
        for name, content in (files | change).items():
            if content is not None:
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                target.addfile(entry, io.BytesIO(content))
    return out


def test_whole(results: Path, tmp_path: Path, signer: LocalSigner) -> None:
    """Report, evidence and manifest, no key and no database; twice the same bytes; any tool unpacks it."""
    out = tmp_path / "one.tar.gz"
    files = write_bundle(results, out, signer=signer)
    checked = verify_bundle(out, [signer.address])
    assert (checked.files, checked.differences, checked.unproven, checked.exit_code) == (files, [], [], 0)
    with tarfile.open(out) as archive:
        names = archive.getnames()
    assert f"{RUN}verdict.json" in names
    assert "results/readiness/readiness.json" in names
    assert not any("keys" in name or "sqlite" in name for name in names)
    write_bundle(results, tmp_path / "two.tar.gz", signer=signer)
    assert (tmp_path / "two.tar.gz").read_bytes() == out.read_bytes()
    assert len(gzip.decompress(out.read_bytes())) % tarfile.RECORDSIZE == 0


def test_unsigned_is_said(results: Path, tmp_path: Path) -> None:
    """Whole, and made by anybody: not proven, and wrong where a signature is required."""
    write_bundle(results, tmp_path / "one.tar.gz")
    checked = verify_bundle(tmp_path / "one.tar.gz")
    assert (checked.differences, checked.exit_code) == ([], 3)
    assert "UNSIGNED" in checked.unproven[0]
    assert verify_bundle(tmp_path / "one.tar.gz", ["0x" + "1" * 40]).exit_code == 1


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
    with (results / "20261124-110000" / "failures-two" / "metrics.json").open("a") as stream:
        stream.write(" ")
    write_bundle(results, tmp_path / "one.tar.gz")
    assert verify_bundle(tmp_path / "one.tar.gz").differences == [
        "20261124-110000/failures-two: metrics.json: its digest is not the one that the run recorded"
    ]


@pytest.mark.parametrize("page", ["index.html", "causes.html", f"{RUN_NAME}/report.html", f"{RUN_NAME}/trace.json", ""])
def test_pages_in_a_folder_are_those_of_its_evidence(results: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sessions, of runs, and of causes; another lab may draw them otherwise."""
    made = dict(MADE)
    monkeypatch.setattr("lab.report.release.consistency.lab_state", lambda: made)
    session = results / SESSION
    write_session_pages(session)
    causes = find_causes(results, runs_of(session), "the evidence that counts")
    write_causes(causes, results / "readiness", results)
    sign(results / "readiness", Opinion("Ada", "GO"))
    write_page_again(results / "readiness")
    path = session / page if page else results / "readiness" / "causes.html"
    name = path.relative_to(results).as_posix()

    def told() -> tuple[list[str], list[str]]:
        verified = verify_results(results)
        return verified.differences, [line for line in verified.unproven if "draws it otherwise" in line]

    assert told() == ([], [])
    with path.open("a") as stream:
        stream.write("<p>PASS</p>")
    (line,), unproven = told()
    assert (line.partition(":")[0], unproven) == (name, [])
    made["version"] = "9"
    differences, unproven = told()
    assert differences == []
    assert any(said.startswith(name) for said in unproven)


def test_a_void_signature_is_told(results: Path, tmp_path: Path, signer: LocalSigner) -> None:
    """And a valid one is a fact."""
    sign(results / "readiness", Opinion("Ada", "GO"), signer)
    write_page_again(results / "readiness")
    write_bundle(results, tmp_path / "one.tar.gz", signer=signer)
    checked = verify_bundle(tmp_path / "one.tar.gz", [signer.address])
    assert any(fact.startswith("the decision GO of Ada") for fact in checked.facts)
    assert checked.exit_code == 0
    (results / "readiness" / "readiness.json").write_text((results / "readiness" / "readiness.json").read_text() + " ")
    write_bundle(results, tmp_path / "two.tar.gz", signer=signer)
    assert (
        "signature.json: VOID: readiness.json was changed after it was signed"
        in verify_bundle(tmp_path / "two.tar.gz", [signer.address]).differences
    )


def test_signed_with_a_local_key(results: Path, tmp_path: Path, signer: LocalSigner) -> None:
    """The address is told; a rewritten manifest is not what was signed."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out, signer=signer)
    assert f"the bundle is signed by the key of {signer.address}" in verify_bundle(out, [signer.address]).facts
    with tarfile.open(out) as archive:
        stream = archive.extractfile(MANIFEST)
        assert stream is not None
        content = json.loads(stream.read())
    content["files"].pop("results/readiness/readiness.md")
    edited = {MANIFEST: json.dumps(content).encode(), "results/readiness/readiness.md": None}
    told = verify_bundle(rewritten(out, edited), [signer.address]).differences
    assert f"{MANIFEST}: it was changed after it was signed" in told


def test_a_bad_key_is_not_quoted(tmp_path: Path) -> None:
    """The message names the file only."""
    key = tmp_path / "key"
    key.write_text("not-a-key-but-secret")
    key.chmod(0o600)
    with pytest.raises(UsageError) as caught:
        load_signer(key)
    assert "not-a-key" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o666, 0o644, 0o640, 0o620, 0o602, 0o604])
def test_a_key_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    """As ssh refuses it, with the way out; restricted, it signs."""
    key = tmp_path / "a key"
    key.write_text("42" * 32)
    key.chmod(mode)
    with pytest.raises(UsageError, match=f"its mode is {mode:04o}.*: chmod 600 '{key}'") as caught:
        load_signer(key)
    assert caught.value.exit_code == 2
    key.chmod(0o400)
    load_signer(key)


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


@pytest.mark.parametrize("content", [None, b"", b"{}", b'{"schema_version": 2, "files": 7}'])
def test_digests_that_are_missing_are_a_difference(results: Path, tmp_path: Path, content: bytes | None) -> None:
    """And no mistake in how it was called."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out)
    verified = verify_bundle(rewritten(out, {MANIFEST: content}))
    assert verified.exit_code == 1
    assert any(line.startswith(f"{MANIFEST}: expected the sha256 of each file") for line in verified.differences)


def test_links_and_doubles_are_differences(results: Path, tmp_path: Path) -> None:
    """A bundle holds plain files only, and none outside of it."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out)
    with tarfile.open(out) as source, tarfile.open(tmp_path / "odd.tar.gz", "w:gz") as target:
        for entry in source:
            target.addfile(entry, source.extractfile(entry))
        link = tarfile.TarInfo("../../evil")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        target.addfile(link)
        target.addfile(tarfile.TarInfo("../outside"))
    told = verify_bundle(tmp_path / "odd.tar.gz").differences
    assert "../../evil: expected one plain file of that name" in told
    assert "../outside: expected a path inside of the bundle" in told
    assert any("not written by `lab bundle`" in text for text in told)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "[" * 5_000, "{}", '{"payload": 1, "payloadType": 2, "signatures": 3}']
)
def test_a_malformed_signature_differs(results: Path, tmp_path: Path, content: str) -> None:
    """Never a stack trace."""
    out = tmp_path / "one.tar.gz"
    write_bundle(results, out)
    checked = verify_bundle(rewritten(out, {SIGNATURE: content.encode()}))
    assert any(text.startswith(f"{SIGNATURE}: ") for text in checked.differences)


def test_without_a_report_there_is_nothing_to_bundle(tmp_path: Path) -> None:
    """It says what to do."""
    with pytest.raises(UsageError, match="run `lab report` first"):
        write_bundle(tmp_path, tmp_path / "out.tar.gz")


def _archive(path: Path, *entries: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as archive:
        for entry in entries:
            archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return path


def test_what_an_archive_says_of_its_entries_is_bounded(tmp_path: Path) -> None:
    """A header before an entry is read whole, whatever its size; and each odd entry is told."""
    long = tarfile.TarInfo("x" * 70_000)
    with pytest.raises(UsageError, match="headers of at most 65536 bytes"):
        verify_any_bundle(_archive(tmp_path / "long.tar.gz", long), deployment_page=deployment_page)
    links = [tarfile.TarInfo(f"l{number}") for number in range(1_100)]
    for link in links:
        link.type = tarfile.SYMTYPE
    with pytest.raises(UsageError, match="more than 1000 entries are none of a bundle's"):
        verify_any_bundle(_archive(tmp_path / "many.tar.gz", *links), deployment_page=deployment_page)
