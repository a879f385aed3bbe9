"""What the commands of `lab live` and `lab ops` say to a terminal, and ask there."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.errors import EnvironmentFailure, UsageError
from lab.live.declaration.deployment_file import Target


def notify(text: str) -> None:
    """Progress goes to stderr, a line at once: networks are worked on side by side."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def ask_password(question: str) -> str:
    """From the terminal. Raises EnvironmentFailure where there is none."""
    if not sys.stdin.isatty():
        raise EnvironmentFailure(
            "expected a terminal to ask for a password: name a password_file in the deployment file"
        )
    return getpass.getpass(question)


def require_names(targets: Sequence[Target], confirmed: tuple[str, ...]) -> None:
    """Who sends to a mainnet says its name. Raises UsageError."""
    mainnets = [target.name for target in targets if not target.profile.testnet]
    for name in mainnets:
        if name in confirmed:
            continue
        if not sys.stdin.isatty():
            raise UsageError(f"{name} is a mainnet: nothing was sent; add --confirm {name}")
        if input(f"{name} is a mainnet. Type its name to send: ").strip() != name:
            raise UsageError(f"{name} was not confirmed: nothing was sent")


@contextmanager
def interruptible(journal: Path, then: str = "run the command again, it goes on from there") -> Iterator[None]:
    """What Ctrl-C leaves behind is said, and what to do `then`."""
    before = _size(journal)
    try:
        yield
    except KeyboardInterrupt:
        signed = f"what was signed is in {journal}, and may take effect: {then}"
        notify(f"interrupted: {signed if _size(journal) != before else 'nothing new was signed'}")
        raise


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
