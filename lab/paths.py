"""Where the lab keeps what is not code: contracts, the scenario library, load profiles, compose files.

In a checkout they stand beside the package, in an installed wheel inside of it; nothing else in the lab asks which.
"""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_PACKED = PACKAGE / "_data"
# The folder of the checkout, None where the lab was installed from a wheel.
CHECKOUT = None if _PACKED.is_dir() else PACKAGE.parent
DATA = _PACKED if CHECKOUT is None else CHECKOUT

COMPOSE = DATA / "compose"
CONTRACTS = DATA / "contracts"
DOCS = DATA / "docs"
EXAMPLE_RELAYER = DOCS / "example_relayer.py"
LOADTESTS = DATA / "loadtests"
SCENARIOS = DATA / "scenarios"
REFERENCE_CONTRACT = CONTRACTS / "TesseractCoordinator.vy"


def real_path(path: Path) -> Path:
    """The path with every link followed. Links in a circle stay as they are: whoever opens one says what is wrong."""
    return Path(os.path.realpath(path))


def expand_user(path: str | Path) -> Path:
    """With `~` as the home folder; as it stands where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def base_of(scenario: Path, elsewhere: Path) -> Path:
    """The folder that a scenario's path is relative to: a library scenario has one name wherever the lab is installed.

    Rows name their proofs by it. The path of any other scenario is relative to `elsewhere`.
    """
    return DATA if real_path(scenario).is_relative_to(SCENARIOS) else elsewhere


def is_own(path: Path) -> bool:
    """Whether a file or folder is one that the lab brings: a library scenario, a load profile, a Locust file."""
    resolved = real_path(path)
    return any(resolved.is_relative_to(folder) for folder in (CONTRACTS, LOADTESTS, SCENARIOS))


def seen_from_here(place: str) -> str:
    """A place among what the lab brings (`docs/faq.md#x`), from the working folder or in full, to be opened."""
    path = str(DATA / place)
    try:
        return path.removeprefix(f"{Path.cwd()}{os.sep}")
    except OSError:
        return path
