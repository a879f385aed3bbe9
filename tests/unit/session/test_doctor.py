"""The doctor: each line tells the truth, and each red one its fix."""

from __future__ import annotations

import importlib
import io
from pathlib import Path
from types import ModuleType

import pytest
from rich.console import Console

from lab.chains.nodes.provision import AnvilBinary
from lab.chains.nodes.select import RequestedBackend
from lab.session.doctor import Line, diagnose, healthy, render

pytestmark = pytest.mark.backend


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")


def named(lines: list[Line]) -> dict[str, Line]:
    return {line.name: line for line in lines}


def printed(lines: list[Line]) -> str:
    console = Console(file=io.StringIO(), width=200)
    render(lines, console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_this_machine_can_run_the_lab(anvil: AnvilBinary) -> None:
    """The machine that runs these tests is healthy, and every asked-for line is there."""
    lines = diagnose()

    assert healthy(lines), printed(lines)
    assert list(named(lines)) == [
        "Python",
        "compiler",
        "anvil",
        "Docker engine",
        "image",
        "ports",
        "node guard",
        "orphans",
        "git",
        "disk: results",
        "disk: temporary",
        "cache",
        "open files",
        "leftovers",
    ]
    assert named(lines)["compiler"].detail == "vyper 0.4.3"


def test_a_dead_engine_is_a_warning_while_processes_suffice(no_engine: None, anvil: AnvilBinary) -> None:
    """The lab runs without Docker: its two lines are yellow, with their fix."""
    lines = diagnose()

    assert healthy(lines)
    assert [named(lines)[name].status for name in ("Docker engine", "image")] == ["warning", "warning"]
    assert "none.sock" in named(lines)["Docker engine"].detail
    assert named(lines)["Docker engine"].fix


def test_a_dead_engine_is_an_error_where_docker_is_asked_for(no_engine: None) -> None:
    """`--backend docker` needs the engine."""
    lines = diagnose("docker")

    assert not healthy(lines)
    assert [named(lines)[name].status for name in ("Docker engine", "image")] == ["error", "error"]


def test_no_anvil_is_an_error_and_nothing_is_fetched(
    no_engine: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without anvil and without an engine nothing can run; the doctor names the fix and leaves the machine alone."""
    monkeypatch.delenv("LAB_ANVIL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = diagnose()

    assert not healthy(lines)
    assert named(lines)["anvil"].status == named(lines)["Docker engine"].status == "error"
    assert "run `lab contract` with network access once" in named(lines)["anvil"].fix
    assert "LAB_ANVIL" in named(lines)["anvil"].fix
    assert not (tmp_path / "cache").exists()


def test_a_wrong_lab_anvil_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable's value is in the line."""
    monkeypatch.setenv("LAB_ANVIL", str(tmp_path / "gone"))

    line = named(diagnose())["anvil"]
    assert line.status == "error"
    assert str(tmp_path / "gone") in line.detail


def test_a_broken_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The import error itself is shown."""
    real = importlib.import_module

    def broken(name: str, package: str | None = None) -> ModuleType:
        if name == "vyper":
            raise ImportError("no module named asttokens")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", broken)
    line = named(diagnose())["compiler"]
    assert line.status == "error"
    assert "asttokens" in line.detail
    assert "make" in line.fix


def test_results_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    """A file where the folder should be is no place for results."""
    (tmp_path / "results").write_text("")

    line = named(diagnose(results=tmp_path / "results" / "run"))["disk: results"]
    assert line.status == "error"
    assert "cannot be written" in line.detail


def test_a_full_disk_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too little free space is said before a run loses its evidence to it."""
    monkeypatch.setattr("lab.session.doctor.FREE_BYTES_MIN", 1 << 62)

    lines = named(diagnose())
    assert lines["disk: results"].status == lines["disk: temporary"].status == "error"


def test_the_table_shows_every_line_and_the_fix_of_red_ones_only() -> None:
    """Brackets in a path are text, not markup, and a green line needs no fix."""
    text = printed(
        [
            Line("good", True, "fine", "not shown"),
            Line("bad", False, "at /tmp/[red]x", "do [this]"),
            Line("spare", False, "absent", "or that", needed=False),
        ]
    )

    assert "/tmp/[red]x" in text
    assert "fix: do [this]" in text
    assert "fix: or that" in text
    assert "not shown" not in text
    assert [line.split()[0] for line in text.splitlines()[1:] if line.split()[0] in ("ok", "error", "warning")] == [
        "ok",
        "error",
        "warning",
    ]


@pytest.mark.parametrize(
    ("guarded", "backend", "said"),
    [(True, "process", "a network of their own"), (False, "process", "a page in"), (True, "docker", "has none")],
)
def test_the_second_line_of_defence_is_told(
    guarded: bool, backend: RequestedBackend, said: str, no_engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether nodes have a guard, and who ends orphans: warnings at most, for the lab works without."""
    monkeypatch.setattr("lab.session.doctor.guarding_works", lambda: guarded)
    monkeypatch.setattr("lab.session.doctor.LINUX", guarded)
    lines = {line.name: line for line in diagnose(backend)}
    assert said in lines["node guard"].detail
    assert lines["node guard"].status == ("ok" if guarded and backend == "process" else "warning")
    assert lines["orphans"].status == ("ok" if guarded else "warning")
