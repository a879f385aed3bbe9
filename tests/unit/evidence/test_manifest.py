"""One model for those who write a manifest and those who read it, whatever became of it in between."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from lab.evidence.manifest import BackendFacts, FaultRecord, LabFacts, MeasuredRow, MeasurementManifest, RunManifest
from lab.model.records import FaultMark

WHOLE: dict[str, Any] = {
    "schema_version": 1,
    "item": "failures/one",
    "rows": ["XCB-03"],
    "backend": {"backend": "process", "anvil_version": "1.7.1", "name": "process", "reason": "asked for"},
    "lab": {"version": "0.1.0", "commit": "ab" * 20, "dirty": False},
    "user_repository": None,
    "versions": {"python": "3.11.7", "vyper": None},
    "duration_s": 1.25,
    "faults": [{"id": "lose", "fault": "reorg", "activations": 1, "proof": None}],
}


def test_what_is_read_is_written_again_as_it_was() -> None:
    """Order and missing fields; what stands under keys of a version to come is not kept, whatever its size."""
    assert json.dumps(RunManifest.read(WHOLE | {"later": {"version": 2}}).as_json()) == json.dumps(WHOLE)
    assert RunManifest(**WHOLE) == RunManifest.read(WHOLE)


@pytest.mark.parametrize(
    ("damage", "left"),
    [
        ({"item": 5}, {"item"}),
        ({"item": ""}, {"item"}),
        ({"backend": ["x"]}, {"backend"}),
        ({"duration_s": float("nan")}, {"duration_s"}),
        ({"lab": "x", "versions": 7}, {"lab", "versions"}),
    ],
)
def test_a_field_of_a_wrong_type_is_not_stated(damage: dict[str, Any], left: set[str]) -> None:
    """And all others are."""
    assert RunManifest.read(WHOLE | damage).as_json() == {key: WHOLE[key] for key in WHOLE if key not in left}


def test_only_the_wrong_part_of_a_field_goes() -> None:
    """An entry, an element, a field of a field; several at once."""
    read = RunManifest.read(
        {
            "rows": [1, "A-01", None, "", "B-02", {}],
            "lab": {"commit": "ab", "dirty": "no"},
            "versions": {"python": 3, "vyper": "0.4.3"},
            "faults": [1, {"fault": "reorg", "activations": "2"}, {"fault": "kill", "activations": 2}],
        }
    )
    assert (read.rows, read.lab, read.versions) == (("A-01", "B-02"), LabFacts(commit="ab"), {"vyper": "0.4.3"})
    assert [(fault.fault, fault.activations) for fault in read.faults] == [("reorg", 0), ("kill", 2)]


@pytest.mark.parametrize("value", [None, [], "x", 7, True, {}])
def test_no_object_states_nothing(value: object) -> None:
    """It is for the caller to say that it is none."""
    assert RunManifest.read(value) == RunManifest()


def test_a_writer_is_held_to_the_types() -> None:
    """A mistake of ours is no damage of a file."""
    with pytest.raises(ValidationError, match="name"):
        BackendFacts(**{"name": 7})  # type: ignore[arg-type]  # that is what is tried


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"figure": 3}, MeasuredRow(figure=3.0)),
        ({"figure": "0 of 5", "evidence": "load.json"}, MeasuredRow(figure="0 of 5", evidence=("load.json",))),
        ({"figure": True, "n": -1, "failures": 2**60, "interval": [1]}, MeasuredRow()),
        ({"figure": float("inf"), "interval": [1, 2]}, MeasuredRow(interval=(1, 2))),
        ({"interval": [1, None], "assumptions": {}}, MeasuredRow()),
    ],
)
def test_measured_rows(entry: dict[str, Any], expected: MeasuredRow) -> None:
    """A figure is a finite number or words, a count none below zero, an interval two numbers."""
    assert MeasuredRow.read(entry).model_dump() == expected.model_dump()


@pytest.mark.parametrize(
    ("profile", "name"), [("soak", "soak"), ({"name": "soak"}, "soak"), ({}, None), (5, None), ("", None)]
)
def test_the_profile_of_a_measurement(profile: object, name: str | None) -> None:
    """By name or whole."""
    assert MeasurementManifest.read({"profile": profile}).profile_name == name


def test_the_older_word_for_activations_is_read() -> None:
    """`bites`, in manifests and histories of earlier versions; one that is no number is left out."""
    assert FaultRecord.read({"bites": 3}).activations == 3
    assert FaultRecord.read({"bites": "3"}).activations == 0
    mark = FaultMark(t_ms=1, id="lose", fault="reorg", chain=None, phase="heal", activations=3)
    older = mark.model_dump_json().replace("activations", "bites")
    assert FaultMark.model_validate_json(older) == mark
