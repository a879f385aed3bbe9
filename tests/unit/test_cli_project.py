"""Every command finds the project in the same way: from the working folder and from what it is to run, upwards."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.errors import UsageError
from lab.load import standalone
from lab.load.prepare.sources import running_session
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain

PROFILE = """
name: theirs
description: For a test.
networks: {optimism: {}}
traffic: [{kind: buffer}]
shape: {kind: constant, tps: 10, duration: 5s}
"""
NOWHERE = "ethereum=http://127.0.0.1:1"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its lab.yaml names a contract that is not there; the working folder is one below."""
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "project"
    (folder / "deep/er").mkdir(parents=True)
    (folder / "lab.yaml").write_text("contract: contracts/Gone.vy\n")
    monkeypatch.chdir(folder / "deep/er")
    return folder


def ended(*arguments: str) -> tuple[int, str]:
    """Exit code and all that was printed."""
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


COMMANDS = [
    ("contract",),
    ("up", "optimism"),
    ("load", "buffer"),
    ("load", "buffer", "--saturate"),
    ("load", "buffer", "--url", NOWHERE),
    ("swarm", "--seeds", "1"),
    ("mutate",),
    ("report",),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_lab_yaml_above_the_working_folder_counts(project: Path, command: tuple[str, ...]) -> None:
    """Its contract is the one that is missed."""
    code, told = ended(*command)
    assert code == 2
    assert "contracts/Gone.vy: expected a contract" in told.replace("\n", "")


def test_what_is_run_brings_its_project(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder without one; and where the two folders disagree both are named."""
    for name in ("loadtests", "scenarios", "results"):
        (project / name).mkdir()
    (project / "loadtests/theirs.yaml").write_text(PROFILE)
    elsewhere = project.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    commands = [
        ("load", str(project / "loadtests/theirs.yaml")),
        ("mutate", "--scenarios", str(project / "scenarios")),
        ("report", str(project / "results")),
    ]
    for command in commands:
        assert "contracts/Gone.vy: expected a contract" in ended(*command)[1]
    (elsewhere / "lab.yaml").write_text("contract: Other.vy\n")
    for command in commands:
        code, told = ended(*command)
        assert code == 2
        assert "~/elsewhere/lab.yaml" in told
        assert "~/project/lab.yaml" in told


def session(path: Path, project: Path | None) -> Path:
    """What a running `lab up` left for Locust."""
    chain = SessionChain(
        name="optimism", network="optimism", chain_id=10, rpc_url="http://127.0.0.1:1", contract="0x" + "11" * 20,
        rollup="0x" + "22" * 20, finality=Finality(blocks=1), start_block=1, block_time_ms=2000,
        mines_empty_blocks=True,
    )  # fmt: skip
    Session(
        run_id="r", backend="process", clock="real", genesis_time=1, chains={"optimism": chain}, accounts={},
        key_file="keys.json", store_path="s", state_numbering={}, abi=[],
        project=str(project / "lab.yaml") if project is not None else None,
    ).write(path)  # fmt: skip
    return path


def test_locust_loads_the_networks_of_its_project(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Networks that were started for another, or for none, are refused before anything is sent."""
    theirs = session(tmp_path / "theirs.json", tmp_path / "other")
    with pytest.raises(UsageError, match=r"~/project/lab\.yaml.*~/other/lab\.yaml"):
        running_session(theirs)
    nobodys = session(tmp_path / "nobodys.json", None)
    assert standalone.main(["--session", str(nobodys)]) == 2
    assert "they were started for no project" in capsys.readouterr().err


def test_a_locust_file_brings_its_project(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From wherever Locust is called."""
    monkeypatch.chdir(tmp_path)
    nobodys = session(tmp_path / "nobodys.json", None)
    with pytest.raises(UsageError, match="no project"):
        running_session(nobodys, [project / "deep/locustfile.py"])
