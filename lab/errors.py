"""The error tree. Every error says what was expected, what came, where, and what to do next.

Only few classes: they differ in who has to act, and so in the exit code of a command.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable
from dataclasses import dataclass

# What the system says where there is no room, often without the file's name.
DISK_IS_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def printable(text: str) -> str:
    """A text of others on one line that any terminal may be sent: control characters and the like as escapes."""
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


# A message quotes what others wrote, which may be one line of many MB, or have a hundred thousand faults.
LINE_MAX, LINES_MAX = 2_000, 1_000


def shortened(text: str) -> str:
    """As much of a text as a message shows: of each line a part, and not all of very many; what was cut is counted."""
    if len(text) <= LINE_MAX:
        return text
    lines = text.split("\n")
    shown = [
        line if len(line) <= LINE_MAX else f"{line[:LINE_MAX]}... ({len(line):,} characters)"
        for line in lines[:LINES_MAX]
    ]
    more = [f"... and {len(lines) - LINES_MAX:,} more lines"] if len(lines) > LINES_MAX else []
    return "\n".join([*shown, *more])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file of the user's. `line` and `column` count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        path = f" {self.path}" if self.path else ""
        return printable(shortened(f"{self.file}:{self.line}:{self.column}{path}: {self.message}"))


def entry(name: str) -> str:
    """Where the documentation says what to do about an error of this name, a reason to revert, or a doctor's line."""
    return f"docs/troubleshooting.md#e-{'-'.join(re.sub('[^a-z0-9 -]', '', name.lower()).split())}"


class LabError(Exception):
    """Root of the tree. `exit_code` is what a command returns for it."""

    exit_code = 4

    def __str__(self) -> str:
        return shortened(super().__str__())


class UsageError(LabError):
    """The user's input is wrong: a scenario, a profile, an option. Nothing was started."""

    exit_code = 2


class InvalidFile(UsageError):
    """One or more user files are malformed; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class EnvironmentFailure(LabError):
    """The machine cannot do it: no node binary, no engine, a port taken, a disk full."""

    exit_code = 4


class NodeFailure(EnvironmentFailure):
    """A node did not start or died unasked; its own last log lines are part of the message."""


class CompileFailure(UsageError):
    """The contract under test does not compile, or its artifact lacks a part."""


class DeployFailure(LabError):
    """The contract compiled but could not be put on a chain or set up there."""

    exit_code = 1


class NotDeployed(DeployFailure):
    """There is no finished deployment, on any of the networks asked for."""

    exit_code = 3


class OutOfGas(DeployFailure):
    """A transaction used up its gas limit, which was estimated in an earlier state than the one it was mined in."""


class AccountUsedElsewhere(DeployFailure):
    """Another transaction of the sending account came first, or is still to: this one does not take effect."""


class RelayerFailure(LabError):
    """A relayer of the user's never asked its chains, ended by itself, or not when it was asked to.

    `reason` says so in one line, the message with the last log lines. `began`: it had asked for something, so it works
    at all; `killed`: somebody else ended it.
    """

    exit_code = 1

    def __init__(self, message: str, *, reason: str, began: bool = True, killed: bool = False) -> None:
        super().__init__(message)
        self.reason, self.began, self.killed = reason, began, killed


class EvidenceFailure(UsageError):
    """A run folder is missing, truncated, or was changed after the run."""


class DeadlineExceeded(LabError):
    """A wait ran into its deadline; the message quotes the last state seen."""

    exit_code = 3


def system_words(error: BaseException) -> str:
    """The system's own words below the libraries' layers of errors, where there are some."""
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, OSError) and below.strerror:
            return below.strerror
        below = below.__cause__ or below.__context__
    return str(error)
