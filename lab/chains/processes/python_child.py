"""The one way in which the lab starts a Python of its own: the user's folders and variables have no say in it.

A folder named `lab`, a file `yaml.py` or `select.py` where a command runs, or on PYTHONPATH, is the user's, and not
what the lab imports.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parents[3]


def python_command(*arguments: str, unbuffered: bool = False) -> list[str]:
    """This interpreter with `arguments`, such as `-m lab.relayer`.

    The working folder is not searched (-P), and PYTHON* variables count (no -E) only where the lab, or what it needs,
    is found through them.
    """
    flags = ["-P"] if needs_variables() else ["-P", "-E"]
    if sys.flags.utf8_mode:
        flags += ["-X", "utf8"]
    return [sys.executable, *flags, *(["-u"] if unbuffered else []), *arguments]


def needs_variables() -> bool:
    """Whether this interpreter would not find the lab without its variables: then they are kept."""
    if "PYTHONHOME" in os.environ:
        return True
    # A relative one means another folder in every child.
    folders = [Path(part) for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if Path(part).is_absolute()]
    return any(folder.resolve() == HERE or any(folder.glob("*.dist-info")) for folder in folders)
