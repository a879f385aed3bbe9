"""What does not fit is left out, in a bounded number of steps."""

from __future__ import annotations

from typing import Any

import pytest

from lab.evidence import recorded
from lab.evidence.manifest import MeasurementManifest
from lab.evidence.recorded import FAULTS_MAX

GOOD = {"AA-01": "it was lost"}


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Each place that was left out by a copy of the value."""
    places: list[object] = []
    without = recorded._without

    def counted(value: Any, place: Any) -> Any:
        places.append(place)
        return without(value, place)

    monkeypatch.setattr(recorded, "_without", counted)
    return places


def test_a_few_faults_take_nothing_else_along() -> None:
    """The entries beside them are kept."""
    read = MeasurementManifest.read({"failed": GOOD | {f"X-{number}": 1 for number in range(20)}, "item": "load"})
    assert (read.failed, read.item) == (GOOD, "load")


@pytest.mark.parametrize(
    "damaged", [{"rows": [1] * 20_000}, {"infeasible": {str(number): 1 for number in range(20_000)}}]
)
def test_very_many_faults_take_their_field_along(damaged: dict[str, Any], copies: list[object]) -> None:
    """Each was a copy of the whole: 8,000 took 17 s, and a file of a legal size hours."""
    read = MeasurementManifest.read({"failed": GOOD | {"X": 1}, "item": "load", **damaged})
    assert (read.failed, read.infeasible, read.rows, read.item) == (GOOD, {}, None, "load")
    assert len(copies) <= 3 * FAULTS_MAX
