"""Folders and files that commands write: what cannot be one is refused before a command begins, in every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from lab.cli import app

# Of options and arguments for a path: those that a command writes, and how their help begins.
FOLDERS = (
    "Folder for evidence",
    "Folder to write",
    "Folder of configuration, data",
    "Folder of the files",
    "Folder for",
)
FILES = ("File to write", "Write the findings to this file", "The archive to write", "The catalogue to write")
RUNNER = CliRunner(env={"COLUMNS": "1000"})


def written(command: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """(Words in front of the place, kind) of every option for a place that a command writes."""
    command = get_command(app) if command is None else command
    for name, below in getattr(command, "commands", {}).items():
        yield from written(below, (*path, name))
    for parameter in () if hasattr(command, "commands") else command.params:
        text = getattr(parameter, "help", None) or ""
        kind = "folder" if text.startswith(FOLDERS) else "file" if text.startswith(FILES) else None
        if kind is not None:
            yield (*path, *parameter.opts[:1]), kind
    if path == ("live", "init"):
        yield path, "file"


PLACES = sorted(written())


def refused(words: tuple[str, ...], place: Path) -> str:
    """What a command says of a place; it ends with exit code 2."""
    ended = RUNNER.invoke(app, [*words, str(place)])
    assert ended.exit_code == 2, ended.output
    return " ".join(ended.output.replace("│", " ").split())


def test_there_are_such_options() -> None:
    """All results folders, and one of each other sort at least."""
    named = {" ".join(words) for words, _ in PLACES}
    assert {"ops drift --results", "live status --results", "up --results", "sign --results"} <= named
    assert {"analyse --sarif", "monitor up --out", "ops backup --to", "bundle --out", "live init"} <= named
    assert len(PLACES) >= 45


@pytest.mark.parametrize(("words", "kind"), PLACES, ids=lambda value: " ".join(value) if value else None)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, words: tuple[str, ...], kind: str) -> None:
    """A file for a folder, a folder for a file, and anything below a file: said with the place and what to do."""
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    said = refused(words, tmp_path / ("file" if kind == "folder" else "folder"))
    if kind == "folder":
        assert f"expected a folder, got {tmp_path / 'file'}, which is a file: name another place" in said
    else:
        assert f"expected a file to write, got {tmp_path / 'folder'}, which is a folder: name a file in it" in said
    below = tmp_path / "file" / "a" / "b"
    assert f"got {below}: {tmp_path / 'file'} is in its way, which is no folder" in refused(words, below)
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_command_that_is_advised_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a path with a space, too."""
    monkeypatch.chdir(tmp_path)
    ended = RUNNER.invoke(app, ["live", "init", "my deployment.yaml"])
    assert ended.exit_code == 0
    assert "`lab live plan 'my deployment.yaml'`" in ended.output
