"""Programs of other releases and packages, each in an isolated tool environment of uv."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from packaging.version import Version

from lab.deploy.vyper.limited import Ended, run_limited
from lab.errors import EnvironmentFailure


def run_tool(
    requirement: str, words: Sequence[str], *, vyper: str, beside: Sequence[str] = (), folder: Path, timeout_s: float
) -> Ended:
    """Run a program of `requirement`, fetched if need be, with the requirements `beside` installed next to it.

    It runs on a Python that the release `vyper` runs on. Raises EnvironmentFailure where uv is missing, and as
    `run_limited`.
    """
    extras = [part for extra in beside for part in ("--with", extra)]
    tool = [find_uv(), "tool", "run", "--python", interpreter_for(vyper), "--no-python-downloads", *extras]
    return run_limited(
        words,
        through=[*tool, "--from", requirement],
        folder=folder,
        environment=tool_environment(),
        deadline_s=timeout_s,
    )


def tool_environment() -> dict[str, str]:
    """The environment for uv: behind a proxy that opens TLS only the machine's own certificates help.

    And compilers of old read sources in the encoding of the locale.
    """
    return {"UV_SYSTEM_CERTS": "1"} | os.environ | {"PYTHONUTF8": "1"}


def newest_minor(vyper: str) -> int:
    """The newest Python 3 on which a release was seen to run: 3.14 removed what releases before 0.4.0 use."""
    return 13 if Version(vyper) < Version("0.4.0") else 14


def interpreter_for(vyper: str) -> str:
    """The running interpreter where the release runs on it, else a range for uv to look for on the machine."""
    newest = newest_minor(vyper)
    return sys.executable if sys.version_info[:2] <= (3, newest) else f">=3.10,<3.{newest + 1}"


def find_uv() -> str:
    """The program of uv. Raises EnvironmentFailure where it is missing."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise EnvironmentFailure("uv's program is missing from this environment: install the package `uv`") from error
