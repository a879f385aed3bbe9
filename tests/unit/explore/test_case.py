"""Drawn cases: the same from the same seed, sound scenarios, and one fault drawn again leaves the rest alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from lab.checks import CHECKS
from lab.coordinator.documented import FUNCTIONS
from lab.explore.swarm.case import DRAWS_MAX, Document, Drawing, draw, drawn_contract, fault_number, to_text
from lab.faults.drawing import DrawnContract
from lab.model.contract.capabilities import CAPABILITIES
from lab.model.contract.names import Limits
from lab.model.units import offset_ms
from lab.runner.requirements.fitting import crowded
from lab.scenario.resolve import parse_scenario
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test

PATH = Path("swarm/1.yaml")
CORRECT = Path(__file__).parents[2] / "detection/correct"
DOCUMENTED = {name for name, function in FUNCTIONS.items() if function.part == "documented"}


def test_a_seed_has_one_case() -> None:
    """Drawn twice it is the same text; another seed is another text."""
    texts = {to_text(draw(Drawing(seed))) for seed in (1, 2, 3)}
    assert len(texts) == 3
    assert to_text(draw(Drawing(2))) in texts


@pytest.mark.parametrize("decade", range(0, 60, 10))
def test_every_case_is_a_scenario_that_could_be_written_by_hand(decade: int) -> None:
    """It passes the reader and every lint rule; S9 is never judged."""
    for seed in range(decade, decade + 10):
        (item,) = parse_scenario(to_text(draw(Drawing(seed))), PATH, known_checks=CHECKS)
        assert (item.seed, item.clock) == (seed, "virtual")
        assert item.legs
        assert "S9" in {*item.checks.removed, *({"S9"} - set(CHECKS))}


PLAIN = DrawnContract(frozenset(FUNCTIONS) - DOCUMENTED, payload_bytes=100)


@pytest.mark.parametrize("decade", range(0, 60, 10))
def test_a_contract_with_few_operations_in_a_block_has_time_for_them(decade: int) -> None:
    """All is buffered before it is due, and a window in which legs are to be READY in time is no shorter than that."""
    for seed in range(decade, decade + 10):
        free, bounded = (draw(Drawing(seed, contract=DrawnContract(per_block=limit))) for limit in (None, 1))
        (item,) = parse_scenario(to_text(bounded), PATH, known_checks=CHECKS)
        assert not crowded(item, Limits(per_block=1)), seed
        assert draw(Drawing(seed, contract=DrawnContract(per_block=100))) == free
        # Nothing is judged less for it.
        assert bounded["checks"] == free["checks"]
        held = Counter(leg.chain for leg in item.legs)
        chains = {leg.name: leg.chain for leg in item.legs}
        held.update(
            chain
            for chain, parent in {(leg.chain, leg.after) for leg in item.legs if leg.after}
            if chains[parent] != chain
        )
        if "-L1" not in bounded["checks"]:
            blocks = {name: 3 + held[name] - 1 for name in held}
            longest_ms = max(count * item.chains[name].profile.block_time_ms for name, count in blocks.items())
            assert item.window_s * 1000 > longest_ms, seed


def called(document: Document) -> set[str]:
    """Administrative actions of its steps."""
    return {step["admin"]["action"] for step in document["timeline"] if "admin" in step}


def test_what_a_contract_lacks_is_left_out_and_the_rest_stays() -> None:
    """No step calls a function of no contract, and every other step is that of a contract that lacks nothing."""
    anywhere, fewer = set[str](), 0
    for seed in range(60):
        whole, plain = draw(Drawing(seed)), draw(Drawing(seed, contract=PLAIN))
        anywhere |= called(whole)
        assert called(plain) <= {"add_operator", "remove_operator", "set_window"}
        stays = [step for step in plain["timeline"] if "wait" not in step]
        assert [step for step in whole["timeline"] if step in stays] == stays
        fewer += len(plain["timeline"]) < len(whole["timeline"])
        for flow, legs in plain["flows"].items():
            for leg, use in legs.items():
                given = int(whole["flows"][flow][leg]["payload"].removesuffix("B"))
                assert use == whole["flows"][flow][leg] | {"payload": f"{min(given, 100)}B"}
    assert fewer > 0
    assert anywhere == {"pause", "unpause", "add_operator", "remove_operator", "set_window"}


def _drawn_contract(folder: Path) -> DrawnContract:
    system = system_under_test(contract=None, relayer_cmd=None, working_folder=folder)
    return drawn_contract(compile_target(system))


def test_a_contract_says_what_it_lacks() -> None:
    """By the lab's names for its functions, whatever it calls them itself."""
    plain, rich = (_drawn_contract(CORRECT / name) for name in ("plain", "rich"))
    assert _drawn_contract(CORRECT.parent).has(name for part in CAPABILITIES.values() for name in part.function_names)
    assert plain.lacking == frozenset(FUNCTIONS) - DOCUMENTED
    assert rich.has(("pause", "add_operator", "set_coordination_window"))
    assert not rich.has(("pause", "propose_owner"))


def faulty(faults: int) -> int:
    """A seed whose case has so many faults."""
    return next(seed for seed in range(500) if len(fault_steps(Drawing(seed))) == faults)


def fault_steps(drawing: Drawing) -> dict[str, object]:
    """The fault steps by id."""
    return {step["id"]: step for step in draw(drawing)["timeline"] if "fault" in step}


def test_a_fault_drawn_again_leaves_the_rest_as_it_was() -> None:
    """Flows, networks and the other fault stay."""
    seed = faulty(2)
    first, again = draw(Drawing(seed)), draw(Drawing(seed).again(1))
    assert first["flows"] == again["flows"]
    assert first["networks"] == again["networks"]
    before, after = fault_steps(Drawing(seed)), fault_steps(Drawing(seed).again(1))
    assert before["fault-0"] == after["fault-0"]
    assert before["fault-1"] != after.get("fault-1")


def test_a_fault_that_never_bites_is_left_out_in_the_end() -> None:
    """After its last drawing."""
    drawing = Drawing(faulty(1))
    for _ in range(DRAWS_MAX):
        drawing = drawing.again(0)
    assert "fault-0" not in fault_steps(drawing)


def test_faults_last_as_long_as_they_say() -> None:
    """The timeline ends after the last of them: what is not healed by then would be healed at once."""
    document = draw(Drawing(faulty(3)))
    ends = [offset_ms(step["at"]) + offset_ms(step.get("for", "0s")) for step in document["timeline"]]
    assert offset_ms(document["timeline"][-1]["at"]) >= max(ends[:-1])


def test_numbers_of_faults() -> None:
    """Only ids that the swarm gave count."""
    assert [fault_number(name) for name in ("fault-0", "fault-12", "fault-x", "outage", "buffer#1")] == [
        0, 12, None, None, None,
    ]  # fmt: skip
