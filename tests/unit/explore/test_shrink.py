"""Shrinking: what does not matter goes, what matters stays, and every candidate is still a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.checks import CHECKS
from lab.errors import InvalidFile
from lab.explore.swarm.case import Drawing, draw, to_text
from lab.explore.swarm.edits import without_chain, without_legs
from lab.explore.swarm.shrink import shrink
from lab.scenario.resolve import parse_scenario

Document = dict[str, Any]


def rich() -> Document:
    """A document with three flows, perturbations and three faults."""
    step = {"at": "50s", "fault": "rpc_error", "chain": "polygon", "share": 0.5, "methods": ["eth_call"], "for": "40s"}
    return {
        "name": "A case", "description": "Much of it does not matter.",
        "networks": {"polygon": {"finality": {"blocks": 4}}, "optimism": {}, "ethereum": {}},
        "seed": 7, "timeout": "30m", "window": "60s", "relayer": {"poll": "3s"},
        "flows": {
            "f0": {"a": {"chain": "ethereum", "at": "+40s", "payload": "512B"},
                   "b": {"chain": "polygon", "at": "+50s", "after": "a"},
                   "c": {"chain": "optimism", "at": "+60s", "after": "b"}},
            "f1": {"a": {"chain": "optimism", "at": "+40s", "after": "f0.b"}},
            "f2": {"a": {"chain": "ethereum", "at": "+40s"}},
        },
        "timeline": [
            {"at": "0s", "buffer": "f0"}, {"at": "0s", "buffer": "f1.a"}, {"at": "3s", "buffer": "f2"},
            {"at": "41s", "admin": {"chain": "optimism", "action": "pause"}},
            {"id": "fault-0", **step},
            {"at": "51s", "resolve": "f1.a", "as": "attacker", "expect": "fail"},
            {"id": "fault-1", "at": "52s", "fault": "reorg", "chain": "ethereum", "depth": 2, "orphans": "requeued"},
            {"at": "2m", "wait": "1s"},
        ],
        "checks": ["default"],
    }  # fmt: skip


def sound(document: Document) -> None:
    """Raises InvalidFile for what is no scenario."""
    parse_scenario(to_text(document), Path("x.yaml"), known_checks=CHECKS)


def legs_on(document: Document, chain: str) -> int:
    """How many legs are on a chain."""
    return sum(use["chain"] == chain for legs in document["flows"].values() for use in legs.values())


def test_only_what_matters_is_left() -> None:
    """It fails with a leg on optimism and a total fault of requests to polygon: all else goes."""
    tried: list[Document] = []

    def fails(document: Document) -> bool:
        sound(document)
        tried.append(document)
        return legs_on(document, "optimism") > 0 and any(
            step.get("fault") == "rpc_error" for step in document["timeline"]
        )

    sound(rich())
    small = shrink(rich(), fails)
    assert small.whole
    assert small.runs >= len(tried)
    document = small.document
    assert sum(len(legs) for legs in document["flows"].values()) == 1
    assert len(document["timeline"]) <= 2
    assert document["relayer"] == "reference"
    (fault,) = [step for step in document["timeline"] if "fault" in step]
    assert set(fault) == {"id", "at", "fault", "chain", "for"}
    assert fault["for"] == "1s"
    sound(document)


def test_it_stops_at_its_limit_with_the_best_so_far() -> None:
    """Five runs are not enough, and nothing is lost."""
    small = shrink(rich(), lambda document: legs_on(document, "polygon") > 0, runs_max=5)
    assert not small.whole
    assert small.runs == 5
    assert legs_on(small.document, "polygon") > 0


def test_what_is_no_scenario_does_not_fail() -> None:
    """A candidate that the reader refuses is passed over."""

    def fails(document: Document) -> bool:
        if len(document["flows"]) < 3:
            raise InvalidFile([])
        return True

    assert len(shrink(rich(), fails).document["flows"]) == 3


def test_children_of_a_leg_that_goes_get_its_parent() -> None:
    """Within its flow and elsewhere; steps about it go with it."""
    changed = without_legs(rich(), "f0", ["b"])
    assert changed["flows"]["f0"]["c"]["after"] == "a"
    assert changed["flows"]["f1"]["a"]["after"] == "f0.a"
    assert "after" not in without_legs(rich(), "f0", ["a", "b"])["flows"]["f1"]["a"]
    gone = without_legs(rich(), "f1", ["a"])
    assert "f1" not in gone["flows"]
    assert not [step for step in gone["timeline"] if "resolve" in step]


def test_one_chain_takes_the_place_of_another() -> None:
    """Legs, faults and admin steps move; a chain that is needed does not just go."""
    moved = without_chain(rich(), "optimism", "polygon")
    assert moved is not None
    assert "optimism" not in to_text(moved)
    sound(moved)
    assert without_chain(rich(), "optimism", None) is None


def test_drawn_cases_stay_scenarios_while_they_shrink() -> None:
    """Whatever is left out of ten drawn cases, the reader takes the rest."""
    for seed in range(10):
        refused: list[str] = []

        def fails(document: Document, refused: list[str] = refused) -> bool:
            try:
                sound(document)
            except InvalidFile as error:
                refused.append(str(error))
            return len(to_text(document)) % 3 != 0

        shrink(draw(Drawing(seed)), fails, runs_max=40)
        assert not [each for each in refused if "fault-" not in each], refused
