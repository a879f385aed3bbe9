"""What is said of an error that ends a command."""

from __future__ import annotations

import errno
import sys

from lab.environment import with_advice
from lab.errors import DISK_IS_FULL, EnvironmentFailure, LabError, entry
from lab.html.text import clean
from lab.paths import seen_from_here

LINE_LENGTH_MAX = 2_000
_NEXT = dict.fromkeys(DISK_IS_FULL, "Free space there, or name another place") | dict.fromkeys(
    (errno.EACCES, errno.EPERM, errno.EROFS), "Let this user have access to it, or name another place"
)


def end_with(error: LabError | OSError) -> int:
    """Say it on stderr, in one message and with where to read on; the exit code."""
    if isinstance(error, LabError):
        text = "\n".join(clean(line, LINE_LENGTH_MAX) for line in str(error).split("\n"))
        print(f"error: {text}" if "\n" not in text else text, file=sys.stderr)
        print(f"see {seen_from_here(entry(type(error).__name__))}", file=sys.stderr)
        return error.exit_code
    # A full disk, a folder that cannot be written to: the machine's trouble, not a bug to trace.
    said = ". ".join(filter(None, (with_advice(error), _NEXT.get(error.errno or 0))))
    print(f"error: {clean(said, LINE_LENGTH_MAX)}", file=sys.stderr)
    print(f"see {seen_from_here(entry('OSError'))}", file=sys.stderr)
    return EnvironmentFailure.exit_code
