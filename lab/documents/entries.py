"""What the troubleshooting guide must have an entry for: everything that says that something went wrong."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lab.coordinator.documented import CAPABILITY_REVERTS, FAILURE_REASONS, REVERTS
from lab.documents.reference import Documented
from lab.errors import LabError, entry
from lab.paths import PACKAGE
from lab.session import doctor

EXIT_CODES = (0, 1, 2, 3, 4, 130)
_CLASS = re.compile(r"^class (\w+)\(([^()]+)\):", re.MULTILINE)
_HEADING = re.compile(r"^### E: (.+)$", re.MULTILINE)


def wanted(documented: Documented) -> dict[str, list[str]]:
    """The names by kind."""
    return {
        "revert": sorted({*REVERTS, *CAPABILITY_REVERTS, *documented.reverts}),
        "failure reason": sorted({*FAILURE_REASONS, *documented.failures}),
        "error class": sorted({*_errors(), "OSError"}),
        "doctor line": sorted(_doctor_lines()),
        "exit code": [f"exit code {code}" for code in EXIT_CODES],
    }


def given(page: str) -> list[str]:
    """The names that a guide has an entry for."""
    return [name.replace("`", "").replace('"', "") for name in _HEADING.findall(page)]


def differences(page: str, documented: Documented) -> list[str]:
    """What has no entry, what an entry is about that does not exist, and entries that share an address."""
    names = wanted(documented)
    known, there = {name for several in names.values() for name in several}, given(page)
    differing = [f"{kind} {name}: no entry" for kind, several in names.items() for name in several if name not in there]
    differing += [f"{name}: an entry about nothing" for name in there if name not in known]
    addresses = [entry(name) for name in there]
    return differing + [f"{one}: twice" for one in sorted(set(addresses)) if addresses.count(one) > 1]


def _errors() -> set[str]:
    """The names of LabError and of all that derive from it, as the sources have them."""
    texts = [file.read_text("utf-8") for file in PACKAGE.rglob("*.py") if "_data" not in file.parts]
    bases: dict[str, set[str]] = {}
    # Two modules may each have a class of one name.
    for name, several in (match for text in texts for match in _CLASS.findall(text)):
        bases.setdefault(name, set()).update(several.split(", "))
    known: set[str] = {LabError.__name__}
    while more := {name for name, several in bases.items() if several & known} - known:
        known |= more
    return known


def _doctor_lines() -> set[str]:
    calls = [
        node for node in ast.walk(ast.parse(Path(doctor.__file__).read_text("utf-8"))) if isinstance(node, ast.Call)
    ]
    makers = [
        call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("Line", "_disk") and call.args
    ]
    return {str(call.args[0].value) for call in makers if isinstance(call.args[0], ast.Constant)}
