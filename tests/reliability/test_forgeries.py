"""Forged evidence and forged bundles: none of them ends with exit code 0, PASS or GO.

The evidence is of two real runs. Whoever edits it knows how the lab writes its files, and has no key. What only a
signature can show is marked as such: digests can be computed again by anybody.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.bounded_files import sha256_file
from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.commands.check import check_folder
from lab.commands.release.bundle import verify_path
from lab.deploy.deployer import deployable
from lab.errors import LabError
from lab.evidence import RunFolder
from lab.evidence.seal import write_started
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT
from lab.report.evidence.envelope import Statement, Subject
from lab.report.readiness_page.files import write_page_again
from lab.report.release.archive import extract, write_archive
from lab.report.release.bundle import MANIFEST, PREDICATE, SIGNATURE, write_bundle
from lab.report.release.local_key import LocalSigner, signed_text
from lab.report.release.sign import Opinion, sign
from lab.runner.runner import Options, run_item
from lab.scenario.resolve import load_scenario
from tests.compiling import compile_once

from .recorded_project import SESSION, RecordedProject

pytestmark = pytest.mark.reliability

Forgery = Callable[[Path], object]

SCENARIO = """
name: A payment is {word}
description: One leg on one chain, without a relayer.
networks: {{ethereum: {{}}}}
relayer: none
window: 30s
seed: 1
checks: [default, -L1, -L2, -L3]
flows: {{f: {{pay: {{chain: ethereum, at: +40s, payload: 64B}}}}}}
timeline:
  - {{at: 0s, buffer: f}}
  - expect: {{leg: f.pay, state: {state}}}
"""
CHECKLIST = """
schema_version: 1
document: One row
sections:
  - title: Section
    rows:
      - {{id: AA-01, kind: item, class: lab, stage: lab, must_pass: true, claimed: false, item: It works, detail: "",
         proof: runs, depends_on: [contract], proofs: [{{scenario: {scenario}}}]}}
"""


@pytest.fixture(scope="module")
def original(shared_backend: ProcessBackend, tmp_path_factory: pytest.TempPathFactory) -> RecordedProject:
    """Two real runs; the report over the first says GO, and is signed and bundled."""
    project = RecordedProject(tmp_path_factory.mktemp("project"))
    target = deployable(compile_once(REFERENCE_CONTRACT))
    for name, state in (("good", "BUFFERED"), ("bad", "EXECUTED")):
        path = project.path / f"{name}.yaml"
        path.write_text(SCENARIO.format(word=name, state=state))
        (project.path / f"{name}-checklist.yaml").write_text(CHECKLIST.format(scenario=name))
        (item,) = load_scenario(path, known_checks=CHECKS)
        options = Options(shared_backend, "test", target, "t", recorded_as=f"scenarios/{name}.yaml")
        run_item(item, options, project.run(name), f"pytest {name}.yaml")
    for number, name in enumerate(("key", "other")):
        (project.path / name).write_text(f"{7 + number:064x}")
        (project.path / name).chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.path)
        assert project.report("bad") == 1
        assert project.report() == 0
        folder = project.results / "readiness"
        sign(folder, Opinion("Ada", "GO", role="release manager"), project.signer())
        write_page_again(folder)
        write_bundle(project.results, project.path / "bundle.tar.gz", signer=project.signer())
        assert verify_path(project.path / "bundle.tar.gz", [project.signer().address]) == 0
        assert verify_path(project.results, [project.signer().address]) == 0
    return project


@pytest.fixture
def project(original: RecordedProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RecordedProject:
    """A copy to forge."""
    copy = shutil.copytree(original.path, tmp_path / "project")
    monkeypatch.chdir(copy)
    return RecordedProject(copy)


def edit(path: Path, *pairs: str) -> None:
    """Replace texts in a file, each of which must be there."""
    text = path.read_text()
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text, (path, old)
        text = text.replace(old, new)
    path.write_text(text)


def stated(**facts: object) -> Forgery:
    """Edit facts of the manifest, written as the lab writes it but for its seal."""

    def forge(run: Path) -> None:
        path = run / "manifest.json"
        content = json.loads(path.read_text()) | facts
        kept = {name: value for name, value in content.items() if value is not None}
        path.write_text(json.dumps(kept, indent=2) + "\n")

    return forge


def resealed(forge: Forgery) -> Forgery:
    """The same, and all digests computed again."""

    def both(run: Path) -> None:
        forge(run)
        RunFolder(run).seal(json.loads((run / "manifest.json").read_text()))

    return both


def without_line(run: Path) -> None:
    lines = (run / "history.jsonl").read_text().splitlines(keepends=True)
    (run / "history.jsonl").write_text("".join([*lines[:3], *lines[4:]]))


def cut(name: str) -> Forgery:
    return lambda run: (run / name).write_bytes((run / name).read_bytes()[:-2])


def grown(name: str) -> Forgery:
    return lambda run: (run / name).write_bytes((run / name).read_bytes() + b"\n")


def other_key(run: Path) -> None:
    edit(run / "manifest.json", '"seed"', '"Seed"')


FOLDER_FORGERIES: dict[str, Forgery] = {
    "history edited": lambda run: edit(run / "history.jsonl", '"met":true', '"met":true '),
    "history cut": cut("history.jsonl"),
    "history without a record": without_line,
    "history with a line more": lambda run: edit(run / "history.jsonl", "\n", "\n\n"),
    "history gone": lambda run: (run / "history.jsonl").unlink(),
    "verdict edited": lambda run: edit(run / "verdict.json", '"repeat"', '"repeat" '),
    "verdict cut": cut("verdict.json"),
    "verdict gone": lambda run: (run / "verdict.json").unlink(),
    "metrics grown": grown("metrics.json"),
    "metrics gone": lambda run: (run / "metrics.json").unlink(),
    "manifest grown": grown("manifest.json"),
    "manifest gone": lambda run: (run / "manifest.json").unlink(),
    "manifest nested": lambda run: (run / "manifest.json").write_text("[" * 200_000),
    "other contract": lambda run: edit(run / "manifest.json", '"bytecode_sha256": "', '"bytecode_sha256": "0'),
    "other scenario": stated(scenario_sha256="0" * 64),
    "other relayer": stated(relayer={"kind": "reference", "sha256": "0" * 64}),
    "other seed": stated(seed=2),
    "other faults": stated(faults=[{"id": "x", "fault": "reorg", "activations": 1}]),
    "other engine": stated(engine_sha256="0" * 64),
    "other commit": stated(lab={"version": "1", "commit": "0" * 40, "dirty": False}),
    "other checks": stated(checks={"default": False, "added": [], "removed": []}),
    "other time": stated(started="2026-11-20T00:00:00+00:00"),
    "no digests": stated(digests=None),
    "no seal": stated(seal=None),
    "not ended": stated(state="started"),
    "a key renamed": other_key,
    "sealed again without a record": resealed(without_line),
    "sealed again with another seed": resealed(stated(seed=2)),
    "sealed again as another item": resealed(stated(item="other")),
    "sealed again with other networks": resealed(stated(networks={"ethereum": "base"})),
    "sealed again with another clock": resealed(stated(clock="real")),
}


@pytest.mark.parametrize("name", FOLDER_FORGERIES)
def test_no_forged_run_passes(project: RecordedProject, name: str) -> None:
    """Neither judged again, nor in a report, nor under the signature that was made before."""
    FOLDER_FORGERIES[name](project.run())

    assert check_folder(project.run()) in (1, 3)
    assert verify_path(project.results, [project.signer().address]) == 1
    assert project.report() in (1, 3)


FAILURE_FORGERIES: dict[str, Forgery] = {
    "verdict cut": cut("verdict.json"),
    "verdict gone": lambda run: (run / "verdict.json").unlink(),
    "verdict turned": lambda run: edit(run / "verdict.json", '"FAIL"', '"PASS"'),
    "history cut": cut("history.jsonl"),
    "history turned": lambda run: edit(run / "history.jsonl", '"met":false', '"met":true'),
    "metrics cut": cut("metrics.json"),
    "manifest cut": cut("manifest.json"),
    "manifest gone": lambda run: (run / "manifest.json").unlink(),
    "other contract": stated(contract={"bytecode_sha256": "0" * 64}),
    "other scenario file": stated(scenario_file="scenarios/elsewhere.yaml"),
    "other scenario": stated(scenario_sha256="0" * 64),
    "not ended": stated(state="started"),
}


@pytest.mark.parametrize("name", FAILURE_FORGERIES)
def test_damage_softens_no_failure(project: RecordedProject, name: str) -> None:
    """FAIL and NO-GO before, and after."""
    FAILURE_FORGERIES[name](project.run("bad"))

    assert check_folder(project.run("bad")) == 1
    assert project.report("bad") == 1


@pytest.mark.parametrize("name", FAILURE_FORGERIES)
def test_a_bundle_of_damaged_evidence_shows_what_it_holds(
    project: RecordedProject, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its pages are drawn the same in every folder, and have no path of this machine; a
    dead run is no difference."""
    FAILURE_FORGERIES[name](project.run("bad"))
    if name == "not ended":
        # As a kill leaves it, and not as an edit does.
        write_started(project.run("bad"), json.loads((project.run("bad") / "manifest.json").read_text()))
        (project.run("bad") / "verdict.json").unlink()
    project.report("bad")
    folder, bundle = project.results / "readiness", project.path / "damaged.tar.gz"
    sign(folder, Opinion("Ada", json.loads((folder / "readiness.json").read_text())["decision"]), project.signer())
    write_page_again(folder)
    write_bundle(project.results, bundle, signer=project.signer())
    capsys.readouterr()
    code = verify_path(bundle, [project.signer().address])
    assert "does not show" not in capsys.readouterr().out
    if name == "not ended":
        assert code == 0
    with tarfile.open(bundle) as archive:
        texts = [archive.extractfile(entry).read() for entry in archive]  # type: ignore[union-attr]
    elsewhere = (str(project.results), f"{tempfile.gettempdir()}/tesseract-lab.")
    assert not [text for text in texts if any(place.encode() in text for place in elsewhere)]


def test_a_verdict_that_was_turned_and_sealed_again_is_judged_again(project: RecordedProject) -> None:
    """`lab check` goes by the history. The report takes the folder's word: against this only a signature helps."""
    resealed(lambda run: edit(run / "verdict.json", '"FAIL"', '"PASS"'))(project.run("bad"))

    assert RunFolder(project.run("bad")).verdict().verdict is Verdict.PASS
    assert check_folder(project.run("bad")) == 1


def test_a_run_that_died_is_not_hidden_by_the_one_before(project: RecordedProject) -> None:
    """A later session that only started the item: its rows are UNKNOWN, and no older report's GO stands."""
    later = project.results / "20991126-090000-0000" / "good"
    later.mkdir(parents=True)
    content = json.loads((project.run() / "manifest.json").read_text())
    write_started(later, content)

    assert check_folder(later.parent) == 3
    assert project.report() == 3


def turned_go(folder: Path) -> None:
    """The report of the failing run, made to say GO."""
    path = folder / "results" / "readiness" / "readiness.json"
    edit(path, '"verdict": "PASS"', '"verdict": "FAIL"')


def signature_of(folder: Path) -> Path:
    return folder / "results" / "readiness" / "signature.json"


def payload(folder: Path, path: Path, *pairs: str) -> None:
    """Edit what an envelope says, and leave its signature as it was."""
    envelope = json.loads(path.read_text())
    text = base64.b64decode(envelope["payload"]).decode()
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in text
        text = text.replace(old, new)
    envelope["payload"] = base64.b64encode(text.encode()).decode()
    path.write_text(json.dumps(envelope, indent=1) + "\n")


def run_of(folder: Path) -> Path:
    return folder / "results" / SESSION / "good"


BUNDLE_FORGERIES: dict[str, Forgery] = {
    "nothing but the manifest's signature": lambda folder: None,
    "a failing history": lambda folder: edit(run_of(folder) / "history.jsonl", '"met":true', '"met":false'),
    "a run without digests": lambda folder: stated(digests=None)(run_of(folder)),
    "a run without a manifest": lambda folder: (run_of(folder) / "manifest.json").unlink(),
    "a run without a verdict": lambda folder: (run_of(folder) / "verdict.json").unlink(),
    "a run that is gone": lambda folder: shutil.rmtree(run_of(folder)),
    "a verdict turned": lambda folder: edit(run_of(folder) / "verdict.json", '"PASS"', '"FAIL"'),
    "a verdict turned and sealed again": lambda folder: resealed(
        lambda run: edit(run / "verdict.json", '"PASS"', '"FAIL"')
    )(run_of(folder)),
    "a run's page edited": lambda folder: edit(run_of(folder) / "report.html", "PASS", "BEST"),
    "the page of causes edited": lambda folder: edit(folder / "results/readiness/causes.html", "</h1>", "?</h1>"),
    "a page edited": lambda folder: edit(folder / "results/readiness/index.html", ">GO<", ">GONE<"),
    "a summary edited": lambda folder: edit(folder / "results/readiness/readiness.md", "GO", "GONE"),
    "rows that do not add up": turned_go,
    "the decision's signature gone": lambda folder: signature_of(folder).unlink(),
    "the decision edited": lambda folder: payload(folder, signature_of(folder), "Ada", "CEO"),
    "the decision's signature taken out": lambda folder: edit(signature_of(folder), '"keyid"', '"Keyid"'),
    "the decision's key renamed": lambda folder: edit(signature_of(folder), '"keyid": "0x', '"keyid": "0y'),
    "the decision's file malformed": lambda folder: signature_of(folder).write_text("{"),
    "a file more": lambda folder: (folder / "results/readiness/more.html").write_text("GO"),
    "a file less": lambda folder: (folder / "results/readiness/readiness.junit.xml").unlink(),
}


def remade(project: RecordedProject, forge: Forgery, signer: LocalSigner | None) -> Path:
    """The bundle unpacked, forged, listed and packed again by the lab's own means, and signed by this key or none."""
    out = project.path / "forged.tar.gz"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        extract(project.path / "bundle.tar.gz", folder)
        forge(folder)
        for special in (MANIFEST, SIGNATURE):
            (folder / special).unlink()
        files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
        listed = {file: {"sha256": sha256_file(path), "bytes": path.stat().st_size} for file, path in files.items()}
        (folder / MANIFEST).write_text(json.dumps({"schema_version": 2, "files": listed}, indent=1, sort_keys=True))
        subject = Subject(name=MANIFEST, digest={"sha256": sha256_file(folder / MANIFEST)})
        statement = Statement(subject=(subject,), predicateType=PREDICATE, predicate={})
        (folder / SIGNATURE).write_text(signed_text(statement, signer))
        write_archive(out, [(file, folder / file) for file in (MANIFEST, SIGNATURE, *files)])
    return out


@pytest.mark.parametrize(("name", "number"), [(name, number) for number, name in enumerate(BUNDLE_FORGERIES)])
def test_no_bundle_that_was_made_again_verifies(project: RecordedProject, name: str, number: int) -> None:
    """Unsigned, or (every other one) signed by another key; with the right key required, and with none."""
    forged = remade(project, BUNDLE_FORGERIES[name], project.signer("other") if number % 2 else None)

    assert verify_path(forged, [project.signer().address]) == 1
    # Without a key to go by, what was forged whole is not proven, and what contradicts itself is wrong.
    assert verify_path(forged, []) == (3 if name in ("nothing but the manifest's signature", "a file more") else 1)


def flipped(position: int, bit: int) -> Callable[[bytes], bytes]:
    def flip(content: bytes) -> bytes:
        data = bytearray(content)
        data[position] ^= 1 << bit
        return bytes(data)

    return flip


def repacked(change: Callable[[tarfile.TarInfo], None], *more: str) -> Callable[[bytes], bytes]:
    """The same files by another hand."""

    def pack(content: bytes) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(content)) as source, tarfile.open(fileobj=out, mode="w") as target:
            for entry in source:
                data = source.extractfile(entry)
                change(entry)
                target.addfile(entry, data)
            for name in more:
                target.addfile(tarfile.TarInfo(name))
        return gzip.compress(out.getvalue(), mtime=0)

    return pack


BYTE_FORGERIES: dict[str, Callable[[bytes], bytes]] = {
    **{f"bit {bit} of the last packed byte": flipped(-9, bit) for bit in (0, 3, 6, 7)},
    "a bit of the header": flipped(9, 0),
    "a bit of the comment": flipped(20, 0),
    "a bit of the size": flipped(-1, 0),
    "a bit in the middle": flipped(5_000, 3),
    "an archive appended": lambda content: content + content,
    "bytes appended": lambda content: content + b"\0",
    "cut": lambda content: content[:-1],
    "cut in the middle": lambda content: content[: len(content) // 2],
    "other modes": repacked(lambda entry: setattr(entry, "mode", 0o4777)),
    "other owners": repacked(lambda entry: setattr(entry, "uid", 1)),
    "a path out of it": repacked(lambda entry: None, "../../x"),
    "an absolute path": repacked(lambda entry: None, "/tmp/x"),
    "a file twice": repacked(lambda entry: None, "MANIFEST.json"),
    "packed again": lambda content: gzip.compress(gzip.decompress(content), mtime=0),
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("name", BYTE_FORGERIES)
def test_every_bit_of_a_bundle_counts(project: RecordedProject, name: str) -> None:
    """Whatever was done to the archive itself; nothing leaves the folder that it is unpacked in."""
    forged = project.path / "forged.tar.gz"
    forged.write_bytes(BYTE_FORGERIES[name]((project.path / "bundle.tar.gz").read_bytes()))
    try:
        code = verify_path(forged, [project.signer().address])
    except LabError as error:
        code = error.exit_code
    assert code in (1, 2)
    assert not (project.path.parent / "x").exists()


@pytest.fixture(autouse=True)
def _silent(capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert "Traceback" not in capsys.readouterr().out
