"""The user's own relayer as a command: its words, where it runs, and what evidence may say of it."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.environment import without_home
from lab.errors import UsageError

SESSION_MARK = "{session}"
# Before its first start is measured, a relayer is expected to have asked every chain once within this time.
START_S = 5.0
HIDDEN = "***"
_SECRET = r"[\w-]*(?:key|secret|token|passw|passphrase|mnemonic)[\w-]*"
_SECRETS = (
    re.compile(rf"(--?{_SECRET}(?:=|\s+)|\b{_SECRET}=)('[^']*'|\"[^\"]*\"|[^\s'\"]+)", re.IGNORECASE),
    re.compile(r"(://)[^/@\s]+(?=@)"),
    re.compile(r"()\b(?:0x)?[0-9a-fA-F]{64}\b"),
)
_starts: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class RelayerCommand:
    """`words` as a shell would split `text`; it runs in `folder`, without a shell."""

    text: str
    words: tuple[str, ...]
    folder: Path

    def argv(self, session: Path) -> list[str]:
        """What to start: `{session}` stands for the path of session.json, which is in LAB_SESSION, too."""
        return [word.replace(SESSION_MARK, str(session)) for word in self.words]

    @property
    def told(self) -> str:
        """The text for evidence."""
        return without_secrets(self.text)

    def files(self) -> dict[str, Path]:
        """The executable and every file that the command names, by the name that it has there."""
        shown = set(shlex.split(self.told))
        first = Path(self.words[0])
        found = {first.name: self.folder / first} if first.name != self.words[0] else {}
        if not found and (path := shutil.which(self.words[0])) is not None:
            found = {self.words[0]: Path(path)}
        # A word that is hidden may be a file with a key in it: not even its digest is told.
        found |= {Path(word).name: self.folder / word for word in self.words[1:] if word in shown}
        return {name: path for name, path in found.items() if path.is_file()}

    def sha256(self) -> str | None:
        """One digest over those files; None where there are none."""
        digests = [_sha256(path) for path in self.files().values()]
        return hashlib.sha256("".join(digests).encode()).hexdigest() if digests else None

    def manifest(self) -> dict[str, Any]:
        """What a run's manifest says of its relayer."""
        files = {name: _sha256(path) for name, path in self.files().items()}
        return {"kind": "command", "command": self.told, "sha256": self.sha256(), "files": files}

    @property
    def start_s(self) -> float:
        """How long before genesis it is started: a bit more than its slowest start in this process took."""
        slowest = _starts.get(self.text)
        return START_S if slowest is None else 1.0 + 1.5 * slowest

    def started_within(self, seconds: float) -> None:
        """Learn how long a start took."""
        _starts[self.text] = max(seconds, _starts.get(self.text, 0.0))


def without_secrets(text: str) -> str:
    """A command's text without what looks like a secret, and without the user's home folder."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return without_home(text)


def parse_command(text: str, folder: Path, *, source: str = "--relayer-cmd") -> RelayerCommand:
    """Raises UsageError for a text that is no command."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"{source}: expected a command as a shell would read it, got `{text}`: {error}") from error
    if not words:
        raise UsageError(f"{source}: expected a command such as `python relayer.py {SESSION_MARK}`, got nothing")
    return RelayerCommand(text, tuple(words), folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
