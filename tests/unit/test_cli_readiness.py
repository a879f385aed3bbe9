"""The commands around a readiness report, as a release manager types them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner, Result

from lab.cli import app
from lab.commands.release.attest import attest
from lab.commands.release.requests import AttestRequest
from lab.yamlsource import load_yaml

from .report.fakes import CONTRACT, run, write
from .report.judge.test_gate_proof import record


def lab(*arguments: str | Path) -> Result:
    """Run a command; nobody is there to be asked."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with one recorded run and a document."""
    monkeypatch.chdir(tmp_path)
    folder = run("failures/breaker_drill", root=tmp_path / "results", session="20261124-110000-0000")
    write(folder)
    (tmp_path / "results" / "latest").symlink_to("20261124-110000-0000")
    (tmp_path / "audit.pdf").write_bytes(b"audit")
    return tmp_path


GIVEN = ("--owner", "Jo", "--document", "audit.pdf", "--expires", "2999-01-01")


def test_attest_writes_what_the_report_takes(here: Path) -> None:
    """The file names the contract, and the row is ATTESTED."""
    result = lab("attest", "scs-01", *GIVEN, "--note", 'a "note": x')
    assert result.exit_code == 0, result.output
    path = here / result.stdout.strip()
    assert f"contract_sha256: {CONTRACT}" in path.read_text()
    assert 'document: "../audit.pdf"' in path.read_text()
    lab("report", "--stage", "mainnet")
    rows = {row["id"]: row for row in json.loads((here / "results/readiness/readiness.json").read_text())["rows"]}
    assert rows["SCS-01"]["verdict"] == "ATTESTED"
    first, *_ = path.read_text().splitlines()
    assert first == "# yaml-language-server: $schema=attestation.schema.json"
    schema = json.loads((path.parent / "attestation.schema.json").read_text())
    jsonschema.validate(load_yaml(path).value, schema)
    second = lab("attest", "SCS-01", *GIVEN)
    assert second.stdout.strip().endswith("-2.yaml")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("SCS-01",), "expected the options --owner, --document, --expires"),
        (("SCS-99", *GIVEN), "got 'SCS-99'"),
        (("XCB-01", *GIVEN), "proven by runs"),
        (("SCS-01", *GIVEN, "--waive"), "must pass: it cannot be waived"),
        (("ENV-02", *GIVEN, "--waive"), "--approver, --reason"),
        (("SCS-01", *GIVEN[:2], "--document", "none.pdf", *GIVEN[4:]), "no such file"),
        (("SCS-01", *GIVEN[:4], "--expires", "2020-01-01"), "after today"),
        (("SCS-01", *GIVEN[:4], "--expires", "soon"), "expected a day such as"),
        (("SCS-01", *GIVEN, "--link", "ftp://x"), "https://"),
    ],
)
def test_attest_refuses_what_would_not_count(here: Path, arguments: tuple[str, ...], words: str) -> None:
    """One line, exit code 2, and no file is left behind."""
    result = lab("attest", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr
    assert not list(here.glob("attestations/*"))


def test_a_waiver_settles_a_row(here: Path) -> None:
    """With approver and reason."""
    result = lab("attest", "ENV-02", *GIVEN, "--waive", "--approver", "Sam", "--reason", "later")
    assert result.exit_code == 0, result.output
    lab("report")
    rows = {row["id"]: row for row in json.loads((here / "results/readiness/readiness.json").read_text())["rows"]}
    assert rows["ENV-02"]["verdict"] == "WAIVED"


def test_sign_verify_and_void(here: Path) -> None:
    """Signed, checked; the next report voids it, and both commands say so."""
    assert lab("sign", "--name", "Ada", "--decision", "NO-GO").exit_code == 2
    lab("report")
    assert "it says INCOMPLETE" in lab("sign", "--name", "Ada", "--decision", "GO").stderr
    assert lab("sign", "--name", "Ada", "--decision", "NO-GO", "--note", "not yet").exit_code == 0
    assert "Signed NO-GO" in (here / "results/readiness/index.html").read_text()
    unsigned = lab("verify", "results")
    assert (unsigned.exit_code, "UNSIGNED" in unsigned.stdout) == (3, True)
    (here / "audit.pdf").write_bytes(b"other")
    lab("attest", "SCS-01", *GIVEN)
    assert "signature  VOID" in lab("report").stdout
    voided = lab("verify", "results")
    assert (voided.exit_code, "DIFFERS  signature.json: VOID" in voided.stdout) == (1, True)


def test_signed_with_a_key(here: Path) -> None:
    """Whoever names the key gets 0; another key, or none, gets neither."""
    (here / "key").write_text("0x" + "42" * 32)
    (here / "key").chmod(0o644)
    lab("report")
    opinion = ("--name", "Ada", "--role", "release manager", "--decision", "INCOMPLETE")
    for command in (("sign", *opinion), ("bundle", "--out", "b.tar.gz")):
        refused = lab(*command, "--key", "key")
        assert (refused.exit_code, "chmod 600 key" in refused.stderr) == (2, True)
    (here / "key").chmod(0o600)
    made = lab("sign", *opinion, "--key", "key")
    address = made.stdout.split("key ")[1].split()[0]
    whole = lab("verify", "results", "--signer", address.lower())
    assert (whole.exit_code, "the decision INCOMPLETE of Ada, release manager" in whole.stdout) == (0, True)
    assert lab("verify", "results").exit_code == 3
    assert lab("verify", "results", "--signer", "0x" + "1" * 40).exit_code == 1
    assert lab("verify", "results", "--signer", "Ada").exit_code == 2
    assert address in (here / "results/readiness/index.html").read_text()
    lab("bundle", "--out", "b.tar.gz", "--key", "key")
    assert lab("verify", "b.tar.gz", "--signer", address).exit_code == 0
    assert lab("verify", "b.tar.gz", "--signer", "0x" + "1" * 40).exit_code == 1


def test_bundle_and_verify(here: Path) -> None:
    """Made, checked elsewhere, and each file that differs is named."""
    assert lab("bundle").exit_code == 2
    lab("report")
    assert lab("bundle", "--out", "b.tar.gz").exit_code == 0
    whole = lab("verify", "b.tar.gz")
    assert (whole.exit_code, "the bundle is UNSIGNED" in whole.stdout) == (3, True)
    path = here / "results/readiness/readiness.json"
    lab("sign", "--name", "Ada", "--decision", "NO-GO")
    path.write_text(path.read_text() + " ")
    lab("bundle", "--out", "b.tar.gz")
    changed = lab("verify", "b.tar.gz")
    assert changed.exit_code == 1
    assert "DIFFERS  signature.json: VOID: readiness.json was changed after it was signed" in changed.stdout
    (here / "bad.tar.gz").write_bytes(b"no")
    assert lab("verify", "bad.tar.gz").exit_code == 2


def test_prune(here: Path) -> None:
    """Names what goes; needs to be told how much stays."""
    (here / "results" / "20261101-000000-0000").mkdir()
    assert "would remove" in lab("prune", "--keep", "1", "--dry-run").stdout
    assert "removed" in lab("prune", "--keep", "1").stdout
    assert not (here / "results" / "20261101-000000-0000").exists()
    assert lab("prune", "--keep", "0").exit_code == 2


def test_checklist_import_and_use(here: Path) -> None:
    """Another team's list, reported on."""
    (here / "list.md").write_text("# Ours\n## One\n- [x] **Done** - yes\n- [ ] **Open** - no\n")
    assert lab("checklist", "import", "list.md", "--out", "ours.yaml").exit_code == 0
    result = lab("report", "--checklist", "ours.yaml")
    assert result.exit_code == 3
    assert "2 rows NOT RUN" in result.stdout


def test_a_release_date_is_a_day(here: Path) -> None:
    """Usage."""
    assert "expected a day such as" in lab("report", "--release-date", "soon").stderr


def test_the_stage_decides_what_counts(here: Path) -> None:
    """More rows further on."""
    counts = []
    for stage in ("lab", "testnet", "mainnet"):
        lab("report", "--stage", stage)
        report = json.loads((here / "results/readiness/readiness.json").read_text())
        counts.append(next(each["rows"] for each in report["stages"] if each["stage"] == report["stage"]))
    assert counts == [106, 123, 196]


def test_a_missing_pdf_writer_is_one_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else is written all the same."""
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    result = lab("report", "--pdf")
    assert result.exit_code == 4
    assert "tesseract-lab[pdf]" in result.stderr
    assert (here / "results/readiness/index.html").is_file()


def test_what_is_missing_is_asked_for(here: Path) -> None:
    """Only what no option gave; a waiver's own questions only for a waiver."""
    asked: list[str] = []
    answers = {"Who answers for it": "Jo", "Document that shows it (a file)": "audit.pdf"}

    def ask(question: str, required: bool) -> str:
        asked.append(question)
        return answers.get(question, "")

    path = attest(AttestRequest("SCS-01", expires="2999-01-01"), ask)
    assert asked == [*answers, "Note", "Link (https://…)"]
    assert 'owner: "Jo"' in path.read_text()


@pytest.mark.parametrize("below", [".", "scenarios", "scenarios/failures", "results"])
def test_a_report_is_the_same_from_every_folder_of_the_project(
    here: Path, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """The files that runs recorded are looked for from the project's root, and attestations as well."""
    scenario = here / "scenarios/failures/breaker_drill.yaml"
    scenario.parent.mkdir(parents=True)
    scenario.write_text("name: as it was\n")
    recorded = {"scenario_sha256": hashlib.sha256(scenario.read_bytes()).hexdigest()}
    record(here / "results/20261124-120000-0000/breaker_drill", "failures/breaker_drill", **recorded)
    (here / "results/latest").unlink()
    (here / "results/latest").symlink_to("20261124-120000-0000")
    lab("attest", "SCS-01", *GIVEN)
    monkeypatch.chdir(here / below)
    results = os.path.relpath(here / "results")

    def rows() -> dict[str, tuple[str, str]]:
        lab("report", results, "--stage", "mainnet")
        report = json.loads((here / "results/readiness/readiness.json").read_text())
        return {row["id"]: (row["verdict"], row["reason"]) for row in report["rows"]}

    before = rows()
    assert before["SCS-01"][0] == "ATTESTED"
    assert not [row for row, (_, reason) in before.items() if "file was changed" in reason]
    scenario.write_text("name: as it is now\n")
    assert [row for row, (_, reason) in rows().items() if "file was changed" in reason]


def test_an_attestation_goes_where_the_report_looks(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the project's folder from any folder in it, unless there is one in the working folder; it is said where."""
    (here / "lab.yaml").write_text("relayer_cmd: sleep 1\n")
    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")
    options = ["--owner", "A", "--document", "../audit.pdf", "--expires", "2999-01-01", "--note", "n", "--link", ""]
    written = lab("attest", "SCS-01", *options)
    assert written.exit_code == 0, written.stderr
    assert Path(written.stdout.strip()).parent == here / "attestations"
    assert not (here / "below" / "attestations").exists()


@pytest.mark.parametrize("words", [["none/x"], ["--attestations", "none"]])
def test_a_report_of_what_is_not_there(here: Path, words: list[str]) -> None:
    """Exit code 2, and nothing is made."""
    result = lab("report", *words)
    assert result.exit_code == 2
    assert "there is none" in result.stderr
    assert not (here / "none").exists()
