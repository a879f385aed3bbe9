"""Files of the right shape that make no sense: each mistake is found at its place, and all of them at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.scenario.lint import lint
from lab.scenario.resolve import load_scenario

from .files import HEAD, TIMELINE, load, problems, write

CASES = [
    # names
    ("- {buffer: swop}", "11:14 timeline[0].buffer: no flow is called 'swop' (did you mean swap?)"),
    ("- {buffer: swap.pai}", "11:14 timeline[0].buffer: no leg is called 'swap.pai' (did you mean swap.pay?)"),
    ("- {resolve: swop.pay}", "11:15 timeline[0].resolve: no leg is called 'swop.pay' (did you mean swap.pay?)"),
    (
        "- {execute: swap.settel}",
        "11:15 timeline[0].execute: no leg is called 'swap.settel' (did you mean swap.settle?)",
    ),
    (
        "- {expect: {leg: swap.sett, state: READY}}",
        "11:20 timeline[0].expect.leg: no leg is called 'swap.sett' (did you mean swap.settle?)",
    ),
    (
        "- {until: {chain: optimizm, function: paused, returns: true}, within: 3s}",
        "11:21 timeline[0].until.chain: the chain 'optimizm' is not among networks (did you mean optimism?)",
    ),
    (
        "- {call: {chain: base, function: f}}",
        "11:20 timeline[0].call.chain: the chain 'base' is not among networks (known: ethereum, optimism)",
    ),
    (
        "- {admin: {chain: etherum, action: pause}}",
        "11:21 timeline[0].admin.chain: the chain 'etherum' is not among networks (did you mean ethereum?)",
    ),
    (
        "- {fault: node_pause, chain: etherum}",
        "11:32 timeline[0].chain: the chain 'etherum' is not among networks (did you mean ethereum?)",
    ),
    (
        "- {fault: finality_stall, chain: ethereum}",
        "11:36 timeline[0].chain: expected a chain whose finality is a tag, but ethereum has 2 blocks, and a relayer "
        "that goes by that never asks for it: give ethereum `finality: {tag: finalized}`",
    ),
    # arguments
    (
        "- {call: {chain: optimism, function: mark_failed, args: []}}",
        "11:59 timeline[0].call.args: mark_failed takes 1 (tx_id: bytes32), got 0",
    ),
    (
        "- {expect: {chain: optimism, function: authorized_operators, returns: true}}",
        "11:14 timeline[0].expect.args: authorized_operators takes 1 (operator: address), got 0",
    ),
    (
        "- {call: {chain: optimism, function: f, args: [swap.settel]}}",
        "11:50 timeline[0].call.args[0]: no leg is called 'swap.settel' (did you mean swap.settle?)",
    ),
    (
        "- {call: {chain: optimism, function: f, args: [1, [swap.pay, swap.x]]}}",
        "11:64 timeline[0].call.args[1][1]: no leg is called 'swap.x' (known: swap.pay, swap.settle)",
    ),
    (
        "- {call: {chain: optimism, function: f, args: [atacker]}}",
        "11:50 timeline[0].call.args[0]: expected a number, a 0x "
        "value, a role or flow.leg, got 'atacker' (did you mean attacker?)",
    ),
    (
        "- {call: {chain: optimism, function: f, args: ['0x123']}}",
        "11:50 timeline[0].call.args[0]: expected hex digits in pairs after 0x, got '0x123'",
    ),
    (
        "- {expect: {chain: optimism, function: f, args: [ownr], returns: 1}}",
        "11:52 timeline[0].expect.args[0]: expected a "
        "number, a 0x value, a role or flow.leg, got 'ownr' (did you mean owner?)",
    ),
    # ids and heals
    (
        "- {id: a, wait: 1s}\n  - {id: a, wait: 1s}",
        "12:10 timeline[1].id: the id 'a' is already used in line 11: choose another",
    ),
    ("- {id: swap, wait: 1s}", "11:10 timeline[0].id: the id 'swap' is also the name of a flow: choose another"),
    (
        "- {id: optimism, wait: 1s}",
        "11:10 timeline[0].id: the id 'optimism' is also the name of a chain: choose another",
    ),
    ("- {heal: gone}", "11:12 timeline[0].heal: no fault has the id 'gone'"),
    (
        "- {id: slow, fault: node_pause, chain: optimism}\n  - {heal: slo}",
        "12:12 timeline[1].heal: no fault has the id 'slo' (did you mean slow?)",
    ),
    ("- {id: nap, wait: 1s}\n  - {heal: nap}", "12:12 timeline[1].heal: the step 'nap' starts no fault"),
    (
        "- {heal: slow}\n  - {id: slow, fault: node_pause, chain: optimism}",
        "11:12 timeline[0].heal: the fault 'slow' starts only after this step: move the heal below it",
    ),
    (
        "- {id: slow, fault: node_pause, chain: optimism}\n  - {heal: slow}\n  - {heal: slow}",
        "13:12 timeline[2].heal: the fault 'slow' is already healed by a step above",
    ),
    (
        "- {id: cut, fault: reorg, chain: optimism, depth: 1}\n  - {heal: cut}",
        "12:12 timeline[1].heal: a reorg cannot be healed: 'cut' has no duration",
    ),
    (
        "- {expect: {leg: swap.pay, latency: cross_chain, below: 9s}}",
        "11:39 timeline[0].expect.latency: swap.pay has no parent on another chain: measure to_ready or to_executed",
    ),
    (
        "- {expect: {leg: swap.pai, latency: to_ready, below: 9s}}",
        "11:20 timeline[0].expect.leg: no leg is called 'swap.pai' (did you mean swap.pay?)",
    ),
    # times
    ("- {at: 11m, buffer: swap}", "11:10 timeline[0].at: expected a time within the timeout of 10m: raise timeout"),
    (
        "- {at: 20s, wait: 5s}\n  - {at: 24s, buffer: swap}",
        "12:10 timeline[1].at: expected 25s or later: a step begins after the one above it has ended",
    ),
    (
        "- {at: 590s, wait: 11s}",
        "11:22 timeline[0].wait: this would last until 601s or later, beyond the timeout of 10m: raise timeout",
    ),
    (
        "- {at: 590s, expect: {leg: swap.pay, state: EMPTY}, hold: 11s}",
        "11:61 timeline[0].hold: this would last until 601s or later, beyond the timeout of 10m: raise timeout",
    ),
    (
        "- {until: {leg: swap.pay, state: READY}, within: 11m}",
        "11:52 timeline[0].within: this would last until 11m or later, beyond the timeout of 10m: raise timeout",
    ),
]


@pytest.mark.parametrize(("steps", "expected"), CASES)
def test_timeline(tmp_path: Path, steps: str, expected: str) -> None:
    """A senseless step gives exactly one problem."""
    assert problems(tmp_path, f"{HEAD}timeline:\n  {steps}\n") == [expected]


SOUND = [
    "- {buffer: swap.pay}\n  - {buffer: swap.pay, expect: {revert: Transaction already exists}}",
    "- {call: {chain: optimism, function: f, args: [1, true, '0x', '0x00ff', owner, swap.pay, [user], 'some words']}}",
    "- {at: 20s, wait: 5s}\n  - {at: 25s, buffer: swap}",
    "- {at: 590s, wait: 10s}",
    "- {at: 599s, expect: {leg: swap.pay, state: EMPTY}, within: 5m}",
    "- {id: slow, fault: node_pause, chain: optimism}\n  - {heal: slow}",
    "- {fault: reorg, chain: ethereum, depth: 200}",
    "- {fault: relayer_kill}",
    "- {buffer: swap, id: role-like}",
    "- {expect: {leg: swap.settle, latency: cross_chain, below: 9s}}",
]


@pytest.mark.parametrize("steps", SOUND)
def test_sense_is_not_overdone(tmp_path: Path, steps: str) -> None:
    """What stands close to a mistake and is none passes."""
    assert load(tmp_path, f"{HEAD}timeline:\n  {steps}\n")


FILE_CASES = [
    (
        "optimism: {}",
        "optimism: {profile: mumbai}",
        "5:23 networks.optimism.profile: the network 'mumbai' is retired: use amoy, its successor",
    ),
    (
        "chain: optimism",
        "chain: optimizm",
        "9:21 flows.swap.settle.chain: the chain 'optimizm' is not among networks (did you mean optimism?)",
    ),
    (
        "at: +30s",
        "at: +30s, target: base",
        "8:46 flows.swap.pay.target: the chain 'base' is not among networks (known: ethereum, optimism)",
    ),
    ("at: +30s", "at: +11m", "8:32 flows.swap.pay.at: expected a timestamp within the timeout of 10m: raise timeout"),
    ("after: pay", "after: pai", "9:48 flows.swap.settle.after: no leg is called 'swap.pai' (did you mean swap.pay?)"),
    (
        "after: pay",
        "after: swop.pay",
        "9:48 flows.swap.settle.after: no leg is called 'swop.pay' (did you mean swap.pay?)",
    ),
    (
        "after: pay",
        "after: settle",
        "9:48 flows.swap.settle.after: the dependencies form a cycle: swap.settle after swap.settle; "
        "none of them can become READY",
    ),
    (
        "at: +30s",
        "at: +30s, after: settle",
        "8:45 flows.swap.pay.after: the dependencies form a cycle: swap.pay after "
        "swap.settle after swap.pay; none of them can become READY",
    ),
    (
        "at: +60s",
        "at: +60s, tx_id: swap.nobody",
        "9:48 flows.swap.settle.tx_id: no leg is called 'swap.nobody' (known: swap.pay, swap.settle)",
    ),
    (
        "chain: optimism, at: +60s",
        "chain: ethereum, at: +60s, tx_id: swap.pay",
        "9:48 flows.swap.settle.tx_id: the id of 'swap.pay' is already used on ethereum: a contract takes each id once",
    ),
    (
        "at: +30s",
        "at: +30s, tx_id: swap.pay",
        "8:45 flows.swap.pay.tx_id: 'swap.pay' shares its id itself: name the leg that the id belongs to, swap.pay",
    ),
    ("  swap:\n", "  empty: {}\n  swap:\n", "7:3 flows.empty: the flow 'empty' has no legs: add one or remove it"),
]


@pytest.mark.parametrize(("old", "new", "expected"), FILE_CASES)
def test_networks_and_flows(tmp_path: Path, old: str, new: str, expected: str) -> None:
    """A senseless part above the timeline gives exactly one problem."""
    assert HEAD.count(old) == 1
    assert problems(tmp_path, HEAD.replace(old, new) + TIMELINE) == [expected]


def test_unknown_network_names_the_nearest(tmp_path: Path) -> None:
    """Without a profile the chain's own name is looked up, so the problem is at the key."""
    found = problems(tmp_path, HEAD.replace("optimism", "optimizm") + TIMELINE)
    assert len(found) == 1
    assert found[0].startswith("5:3 networks.optimizm: expected a network, got 'optimizm' (did you mean optimism?)")


def test_cycles_through_other_flows_are_named_once_each(tmp_path: Path) -> None:
    """Two separate cycles give two problems; a leg that hangs on a cycle gives none of its own."""
    text = HEAD.replace(
        "  swap:\n",
        "  a:\n    x: {chain: ethereum, at: 1s, after: b.y}\n    hangs: {chain: ethereum, at: 1s, after: x}\n"
        "  b:\n    y: {chain: ethereum, at: 1s, after: c.z}\n  c:\n    z: {chain: ethereum, at: 1s, after: a.x}\n"
        "    self: {chain: ethereum, at: 1s, after: self}\n  swap:\n",
    )
    assert problems(tmp_path, text + TIMELINE) == [
        "8:41 flows.a.x.after: the dependencies form a cycle: a.x after b.y after c.z after a.x; "
        "none of them can become READY",
        "14:44 flows.c.self.after: the dependencies form a cycle: c.self after c.self; none of them can become READY",
    ]


def test_no_relayer_to_act_on(tmp_path: Path) -> None:
    """Without a relayer it can be neither stopped nor killed, and nothing else is refused."""
    text = f"{HEAD}relayer: none\ntimeline:\n  - relayer: stop\n  - fault: relayer_kill\n  - buffer: swap\n"
    assert problems(tmp_path, text) == [
        "12:14 timeline[0].relayer: there is no relayer: the file says `relayer: none`",
        "13:12 timeline[1].fault: there is no relayer: the file says `relayer: none`",
    ]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ("[default, S0]", ["10:19 checks[1]: no check is called 'S0' (known: S1, S9, default)"]),
        ("[default, -S10]", ["10:19 checks[1]: no check is called 'S10' (did you mean S1?)"]),
        ("[defualt]", ["10:10 checks[0]: no check is called 'defualt' (did you mean default?)"]),
        ("[default, S1, -S1]", ["10:23 checks[2]: the check 'S1' is already in the list: remove one"]),
        ("[-S1]", ["10:10 checks[0]: '-S1' removes nothing: the list does not begin with default"]),
        (
            "[-default, '']",
            [
                "10:10 checks[0]: expected default, NAME or -NAME, got '-default'",
                "10:20 checks[1]: expected default, NAME or -NAME, got ''",
            ],
        ),
    ],
)
def test_checks(tmp_path: Path, checks: str, expected: list[str]) -> None:
    """Names of checks come from the caller."""
    assert problems(tmp_path, f"{HEAD}checks: {checks}\n{TIMELINE}", {"S1", "S9"}) == expected


def test_checks_are_not_judged_without_the_registry(tmp_path: Path) -> None:
    """A caller that does not know the checks loads a file with any; `lint` with the registry finds them afterwards."""
    items = load(tmp_path, f"{HEAD}checks: [default, S77]\n{TIMELINE}")
    assert lint(items) == []
    assert [str(problem).split(":", 1)[1] for problem in lint(items, known_checks={"S1"})] == [
        "10:19 checks[1]: no check is called 'S77' (known: S1, default)"
    ]


def test_two_files_of_one_name(tmp_path: Path) -> None:
    """Are two scenarios: each run has a folder of its own."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = write(tmp_path / "a", HEAD + TIMELINE), write(tmp_path / "b", HEAD + TIMELINE)
    assert lint([*load_scenario(first), *load_scenario(second)]) == []


def test_shape_and_sense_are_reported_together(tmp_path: Path) -> None:
    """A mistake of shape neither hides one of sense, nor makes the parts around it look wrong."""
    text = """\
description: no name
networks: {ethereum: {finality: {blocs: 3}}, optimism: {}}
flows:
  swap:
    pay: {chain: ethereum, at: 30}
    settle: {chain: optimizm, at: +60s, after: pay}
timeline:
  - {buffer: swap.pay, att: 3s}
  - {id: cut, fault: reorg, chain: ethereum, depht: 3}
  - {resolve: swap.pey}
  - {expect: {leg: swap.pay, state: REDY}, within: 1}
  - {heal: cutt}
matrix:
  cut.depth: [3, x]
  cat.depth: [3]
"""
    assert problems(tmp_path, text) == [
        "1:1: missing key 'name'",
        "2:34 networks.ethereum.finality.blocs: unknown key 'blocs' (did you mean blocks?)",
        "5:32 flows.swap.pay.at: expected a duration such as 30s (units: ms, s, m, h), got 30 without a unit",
        "6:21 flows.swap.settle.chain: the chain 'optimizm' is not among networks (did you mean optimism?)",
        "8:24 timeline[0].att: unknown key 'att' (did you mean at?)",
        "9:46 timeline[1].depht: unknown key 'depht' (did you mean depth?)",
        "10:15 timeline[2].resolve: no leg is called 'swap.pey' (did you mean swap.pay?)",
        "11:37 timeline[3].expect.state: expected EMPTY, BUFFERED, READY, EXECUTED or EXPIRED, got 'REDY' "
        "(did you mean READY?)",
        "11:52 timeline[3].within: expected a duration such as 30s (units: ms, s, m, h), got 1 without a unit",
        "12:12 timeline[4].heal: no fault has the id 'cutt' (did you mean cut?)",
        "14:18 timeline[1].depth: expected a whole number, got 'x'",
        "15:3 matrix.cat.depth: the key 'cat.depth' matches nothing: no step id, network or flow is called 'cat' "
        "(did you mean cut?)",
    ]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("ethereum: {finality: {blocks: 2}}", 'ethereum: "0x"', "ethereum.finality.blocks"),
        ("ethereum: {finality: {blocks: 2}}", "ethereum: {finality: 2}", "ethereum.finality.blocks"),
        ("pay: {chain: ethereum, at: +30s}", "pay: [1]", "swap.pay.at"),
    ],
)
def test_a_matrix_covers_up_no_misshapen_part(tmp_path: Path, old: str, new: str, key: str) -> None:
    """What it would put values below has to be a mapping, or nothing."""
    assert HEAD.count(old) == 1
    found = problems(tmp_path, f"{HEAD.replace(old, new)}matrix: {{{key}: [3, 4]}}\n{TIMELINE}")
    assert any(f"the key '{key}' leads nowhere: expected a mapping there, got" in problem for problem in found)
