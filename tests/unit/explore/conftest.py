"""What tests of mutants and of seeded faults share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _cheap(compiled_here: None) -> None:
    """Many of them compile contracts of ours."""
