"""The committed schemas: current, and as strict about a statement as the lab itself as far as a schema can be."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from lab.report.schemas import ATTESTATION, FOLDER, READINESS, schema_text

from .evidence.test_attestations import LINES, WAIVER


@pytest.mark.parametrize("name", [READINESS, ATTESTATION])
def test_a_committed_schema_is_the_models_own(name: str) -> None:
    """A change of the records without the schema is noticed; `python -m lab.report.schemas` writes it."""
    assert (FOLDER / name).read_text(encoding="utf-8") == schema_text(name)


def test_no_schema_is_committed_that_nobody_writes() -> None:
    """Both, and no other."""
    assert {path.name for path in FOLDER.glob("*.schema.json")} == {READINESS, ATTESTATION}


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"kind": "attestation", "note": "all closed", "link": "https://example.org/tx", "reason": ""}, True),
        (WAIVER, True),
        ({"row": "scs-1"}, False),
        ({"sha256": "5f2d"}, False),
        ({"expires": "soon"}, False),
        ({"expires": None}, False),
        ({"link": "http://example.org"}, False),
        ({"until": "2027-01-01"}, False),
        ({"approver": "Sam"}, False),
        ({"kind": "attestation", "reason": "later"}, False),
        ({**WAIVER, "approver": None}, False),
        ({**WAIVER, "reason": " "}, False),
    ],
)
def test_what_an_editor_marks(changes: dict[str, Any], good: bool) -> None:
    """None takes a line away."""
    statement = {name: value for name, value in ({**LINES, **changes}).items() if value is not None}
    schema = json.loads((FOLDER / ATTESTATION).read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.FormatChecker(formats=["date"])
    assert jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(statement) is good
