"""Finality policies: exactly one of three, and how they read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lab.model.chain.finality import Finality


@pytest.mark.parametrize(
    ("given", "reads"),
    [
        ({"blocks": 0}, "0 blocks"),
        ({"blocks": 12}, "12 blocks"),
        ({"seconds": 0}, "0 s"),
        ({"seconds": 2.5}, "2.5 s"),
        ({"tag": "safe"}, "tag safe"),
    ],
)
def test_one_policy(given: dict[str, Any], reads: str) -> None:
    """Zero is a policy, not an absence."""
    assert str(Finality(**given)) == reads


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({}, "got none"),
        ({"blocks": 2, "seconds": 3}, "got blocks, seconds"),
        ({"blocks": 0, "tag": "safe"}, "got blocks, tag"),
        ({"blocks": -1}, "greater than or equal to 0"),
        ({"blocks": 10_001}, "less than or equal to 10000"),
        ({"seconds": 86_401}, "less than or equal to 86400"),
        ({"seconds": float("nan")}, "seconds"),
        ({"tag": "latest"}, "'safe' or 'finalized'"),
        ({"depth": 2}, "Extra inputs"),
    ],
)
def test_no_or_two_policies(given: dict[str, Any], complaint: str) -> None:
    """The error names what was given."""
    with pytest.raises(ValidationError, match=complaint):
        Finality(**given)
