"""Every kind of file that states a version is refused, or counts for nothing, with another version and with none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.file_version import ADVICE, FIELDS

from .mutants import as_json
from .test_mutants import KINDS, Read

pytestmark = pytest.mark.reliability

# Read by their exporter alone, which begins anew and says so in its log.
SILENT = {"position of a monitor"}
# Keystores are another's format; a manifest of a measurement says only which profile it is of. Evidence of deployments
# is read past its digest by its mutants: its model is one of tests/unit/test_file_version.py.
OTHERS = {"signing key", "deployer's key", "measured manifest", "deployment's evidence"}


def head_of(document: Any) -> Any:
    """The document, or its first line."""
    return document[0] if isinstance(document, (list, tuple)) else document


def stating() -> dict[str, str]:
    """Kind -> the field in which it states its version."""
    fields: dict[str, str] = {}
    for name, (_, make, _) in KINDS.items():
        head = head_of(make()) if name not in OTHERS else None
        stated = [field for field in FIELDS if isinstance(head, dict) and isinstance(head.get(field), int)]
        fields |= {name: stated[0]} if stated else {}
    return fields


def outcome(read: Read, path: Path) -> str:
    """What was read, or what was said against it."""
    try:
        return str(read(path))
    except (LabError, OSError, ValueError) as error:
        return str(error)


@pytest.mark.parametrize(("name", "field"), list(stating().items()))
def test_other_versions_are_refused(name: str, field: str, tmp_path: Path) -> None:
    """In words that say which one was expected."""
    file, make, read = KINDS[name]
    changes: tuple[dict[str, Any], ...] = ({}, {field: 2}, {field: "1"})
    for number, change in enumerate(changes):
        document = make()
        head = {key: value for key, value in head_of(document).items() if key != field} | change
        path = tmp_path / str(number) / file
        path.parent.mkdir(parents=True)
        content = [head, *document[1:]] if isinstance(document, (list, tuple)) else head
        lines = content if file.endswith(".jsonl") and isinstance(content, list) else [content]
        path.write_bytes(b"\n".join(map(as_json, lines)) + b"\n")
        said = outcome(read, path)
        assert said == "None" if name in SILENT else f"expected {field} 1, got" in said, said
        assert name in SILENT or ADVICE.split(";")[0] in said


def test_the_kinds_that_state_versions_are_known() -> None:
    """So that the test above cannot be one of nothing."""
    known = {"session", "deployment file", "journal", "up state", "mutation score", "success criteria", "prices"}
    assert known <= set(stating())
