"""A relayer's command as people write it, what is said of one that does not start, and the end of its log."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from lab.chains.processes.log_tail import last_lines
from lab.errors import UsageError
from lab.session.relayer.command import not_started, parse_command

SESSION = Path("/run/session.json")


@pytest.mark.parametrize(
    ("text", "words", "variables"),
    [
        ("FOO=1 ./relay --x", ["./relay", "--x"], {"FOO": "1"}),
        ("A='b c' D= ./relay", ["./relay"], {"A": "b c", "D": ""}),
        ("CONFIG={session} ./relay {session}", ["./relay", "/run/session.json"], {"CONFIG": "/run/session.json"}),
        ("./relay FOO=1 'a b' \"c d\"", ["./relay", "FOO=1", "a b", "c d"], {}),
        ("~/bin/relay --config ~/a.toml", ["/home/me/bin/relay", "--config", "/home/me/a.toml"], {}),
        ("sh -c 'a && b | c'", ["sh", "-c", "a && b | c"], {}),
    ],
)
def test_what_is_understood(
    monkeypatch: pytest.MonkeyPatch, text: str, words: list[str], variables: dict[str, str]
) -> None:
    """Quotes, variables before the program, and the home folder, without a shell."""
    monkeypatch.setenv("HOME", "/home/me")
    command = parse_command(text, Path("/project"))
    assert (command.argv(SESSION), command.variables(SESSION)) == (words, variables)


def test_files_below_the_home_folder_are_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However they are written; one whose name is hidden as a secret is not."""
    home = tmp_path / "my home"
    (project := home / "project").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    for name in ("bot.py", "a.toml", "key.txt"):
        (project / name).write_text(name, "utf-8")
    whole, secret = shlex.quote(str(project / "bot.py")), shlex.quote(str(project / "key.txt"))
    for text in (f"python3 {whole} a.toml", "python3 ~/project/bot.py a.toml", "python3 bot.py a.toml"):
        assert set(parse_command(f"{text} --password {secret}", project).files()) == {"python3", "bot.py", "a.toml"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("./a && ./b", "`&&` needs a shell"),
        ("./a | tee log", "`|` needs a shell"),
        ("./a > log", "sh -c"),
        ("FOO=1", "got nothing"),
        ("", "got nothing"),
        ("./a 'b", "expected a command as a shell would read it"),
    ],
)
def test_what_only_a_shell_could_run_is_named(text: str, words: str) -> None:
    """Before anything starts."""
    with pytest.raises(UsageError, match="--relayer-cmd") as caught:
        parse_command(text, Path.cwd())
    assert words in str(caught.value)


def test_what_does_not_start_is_named(tmp_path: Path) -> None:
    """What was looked for, where, and what to do about it."""
    (tmp_path / "plain.py").write_text("print(1)\n")
    (tmp_path / "bare").write_text("echo\n")
    (tmp_path / "bare").chmod(0o755)
    (tmp_path / "folder").mkdir()
    expected = {
        "no-such-program": "no program no-such-program on PATH",
        "plain.py": "write ./plain.py",
        "./nowhere": f"there is no program ./nowhere, as seen from {tmp_path}",
        "./plain.py": "chmod +x",
        "./bare": "give it a first line",
        "./folder": "./folder is a folder; name the program in it",
        "$HOME/relay": "`$` needs a shell",
        "(relay": "`(` needs a shell",
    }
    for program, words in expected.items():
        with pytest.raises((FileNotFoundError, PermissionError, OSError)) as caught:
            subprocess.Popen([program], cwd=tmp_path)
        assert words in str(not_started([program, "--token=secret"], tmp_path, caught.value))
        assert "secret" not in str(not_started([program, "--token=secret"], tmp_path, caught.value))
    (tmp_path / "my relay.py").write_text("print(1)\n")
    spaced = not_started(["./my", "relay.py", "--token=secret"], tmp_path, FileNotFoundError())
    assert str(spaced).endswith("; quote its path: './my relay.py'")
    gone = tmp_path / "gone"
    assert f"there is no folder {gone}" in str(not_started(["sh"], gone, FileNotFoundError()))


def test_the_end_of_a_log_of_any_size_and_any_bytes(tmp_path: Path) -> None:
    """Read from its end, cut to lines that fit, with nothing that a terminal would obey."""
    log = tmp_path / "log"
    assert last_lines(log) == "  | (the log is empty)"
    with log.open("wb") as file:
        file.truncate(300 * 1024 * 1024)
        file.seek(0, os.SEEK_END)
        file.write(b"\nfirst\n\xff\xfe\x1b[2Jred\x00\n" + b"x" * 5000 + b"\nlast\n")
    told = last_lines(log).splitlines()
    assert [told[-4], told[-1]] == ["  | first", "  | last"]
    assert "\\x1b[2Jred\\x00" in told[-3]
    assert "\x1b" not in told[-3]
    assert max(map(len, told)) < 500
