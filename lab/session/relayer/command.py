"""The user's own relayer as a command: its words, where it runs, and what evidence may say of it."""

from __future__ import annotations

import errno
import hashlib
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.environment import without_home
from lab.errors import UsageError
from lab.model.redacted import RedactedCommand, redact_command
from lab.paths import expand_user
from lab.session.relayer.declared import DeclaredRelayer

SESSION_MARK = "{session}"
# Before its first start is measured, a relayer is expected to have asked every chain once within this time.
START_S = 5.0
# What it is late by costs so many times as much of the run where that is faster than the wall.
START_FASTER_S = 10.0
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_SHELL_SIGN = re.compile(r"[$`(){};|&<>*]")
SHELL_ONLY = frozenset(("&", "&&", "|", "||", ";", "<", ">", ">>", "2>", "2>&1", "&>"))
_starts: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class RelayerCommand:
    """`words` as a shell would split `text`, after its leading `NAME=value`; it runs in `folder`, without a shell.

    `declared` is what lab.yaml says of it.
    """

    text: str
    words: tuple[str, ...]
    folder: Path
    assignments: tuple[tuple[str, str], ...] = ()
    declared: DeclaredRelayer = field(default_factory=DeclaredRelayer)

    def argv(self, session: Path) -> list[str]:
        """What to start: `{session}` stands for the path of session.json, which is in LAB_SESSION, too."""
        return [word.replace(SESSION_MARK, str(session)) for word in self.words]

    def variables(self, session: Path) -> dict[str, str]:
        """What it adds to the environment."""
        return {name: value.replace(SESSION_MARK, str(session)) for name, value in self.assignments}

    @property
    def shown(self) -> str:
        """The text for evidence."""
        return redact_command(self.text)

    def files(self) -> dict[str, Path]:
        """The executable and every file that the command names, by the name that it has there."""
        words = set(shlex.split(self.shown))
        first = Path(self.words[0])
        files = {first.name: self.folder / first} if first.name != self.words[0] else {}
        if not files and (path := shutil.which(self.words[0])) is not None:
            files = {self.words[0]: Path(path)}
        # A word that is hidden may be a file with a key in it: not even its digest is shown.
        files |= {Path(word).name: self.folder / word for word in self.words[1:] if without_home(word) in words}
        return {name: path for name, path in files.items() if path.is_file()}

    def sha256(self) -> str | None:
        """One digest over those files; None where there are none."""
        digests = [_sha256(path) for path in self.files().values()]
        return hashlib.sha256("".join(digests).encode()).hexdigest() if digests else None

    def manifest(self) -> dict[str, Any]:
        """What a run's manifest says of its relayer."""
        files = {name: _sha256(path) for name, path in self.files().items()}
        return {"kind": "command", "command": self.shown, "sha256": self.sha256(), "files": files}

    def start_s(self, speed: float) -> float:
        """How long before genesis it is started, on the wall: a bit more than its slowest start so far took."""
        slowest = _starts.get(self.text)
        if slowest is None:
            return START_S if speed == 1 else START_FASTER_S
        return 1.0 + 1.5 * slowest

    def started_within(self, seconds: float) -> None:
        """Learn how long a start took."""
        _starts[self.text] = max(seconds, _starts.get(self.text, 0.0))


def parse_command(text: str, folder: Path, *, source: str = "--relayer-cmd") -> RelayerCommand:
    """Raises UsageError for a text that is no command, and for one that only a shell could run."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        shown = redact_command(text)
        raise UsageError(f"{source}: expected a command as a shell would read it, got `{shown}`: {error}") from error
    for word in words:
        if word in SHELL_ONLY:
            raise UsageError(
                f"{source}: expected one command, got `{redact_command(text)}`: `{word}` needs a shell, and the "
                f"command runs without one. Write sh -c '...', or a script of your own"
            )
    assignments: list[tuple[str, str]] = []
    while words and (match := _ASSIGNMENT.fullmatch(words[0])):
        assignments.append((match[1], _home(match[2])))
        del words[0]
    if not words:
        raise UsageError(f"{source}: expected a command such as `python relayer.py {SESSION_MARK}`, got nothing")
    return RelayerCommand(text, tuple(_home(word) for word in words), folder, tuple(assignments))


def secrets_of(words: Sequence[str], variables: Mapping[str, str]) -> RedactedCommand:
    """A relayer's command, which knows what of itself and its variables no log may show."""
    return RedactedCommand(shlex.join([*(f"{name}={value}" for name, value in variables.items()), *words]))


def not_started(words: Sequence[str], folder: Path | None, error: OSError) -> UsageError:
    """What to say of a program that the system would not start: what was looked for, where, and what to do."""
    command = redact_command(shlex.join(words))
    return UsageError(f"the relayer could not be started with `{command}`: {why_not_started(words, folder, error)}")


def why_not_started(words: Sequence[str], folder: Path | None, error: OSError) -> str:
    """The part of that which is the same in every run, whatever its session is called."""
    program, where = words[0], folder if folder is not None else Path.cwd()
    if not where.is_dir():
        return f"there is no folder {where} to run it in"
    if "/" in program and (where / program).is_dir():
        return f"{program} is a folder; name the program in it"
    if isinstance(error, FileNotFoundError):
        if (sign := _SHELL_SIGN.search(program)) is not None:
            return f"`{sign[0]}` needs a shell, and the command runs without one. Write sh -c '...'"
        if "/" in program:
            prefixes = (" ".join(words[:count]) for count in range(2, len(words) + 1))
            spaced = next(
                (f"; quote its path: {shlex.quote(path)}" for path in prefixes if (where / path).is_file()), ""
            )
            return f"there is no program {program}, as seen from {where}{spaced}"
        near = f"; there is one beside you: write ./{program}" if (where / program).is_file() else ""
        return f"no program {program} on PATH{near}"
    if isinstance(error, PermissionError):
        return f"{program} may not be executed; chmod +x it, or name its interpreter first"
    if error.errno == errno.ENOEXEC:
        return f"{program} is no program: give it a first line #!..., or name its interpreter first"
    return str(error)


def _home(word: str) -> str:
    # A word need not be a path, and is left alone where there is no home.
    return str(expand_user(word)) if word.startswith("~") else word


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
