"""What these tests count with."""

from __future__ import annotations

import pytest

from .counting import PROPERTY
from .figures import Trials


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> Trials:
    """The count of this test: what it adds here stands in the figures instead of one trial."""
    counted = Trials()
    request.node.user_properties.append((PROPERTY, counted.counts))
    return counted
