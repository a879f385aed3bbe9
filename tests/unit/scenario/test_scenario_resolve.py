"""What a sound file means: defaults, identifiers, order, and the runs of a matrix."""

# ruff: noqa: E501 (a case and its whole message stand on one line)

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.errors import InvalidFile
from lab.faults import FAULTS
from lab.faults.blocks.base_fee_spike import BaseFeeSpike
from lab.faults.blocks.reorg import Reorg
from lab.faults.requests.rpc_latency import RpcLatency
from lab.model.chain.finality import Finality
from lab.model.checks import CheckSelection
from lab.scenario.expectations import EventOutcome, StateExpectation
from lab.scenario.item import RelayerSpec
from lab.scenario.resolve import load_scenario
from lab.scenario.steps import STEPS, AdminStep, CallStep, UntilStep, WaitStep

from .files import HEAD, TIMELINE, load, problems, write


def test_defaults(tmp_path: Path) -> None:
    """A short file means a full run."""
    (item,) = load(tmp_path, HEAD + TIMELINE)
    assert (item.item, item.name, item.description) == ("case", "A test", "It tests.")
    assert (item.clock, item.seed, item.timeout_ms, item.window_s) == ("virtual", 1, 600_000, 30)
    assert item.relayer == RelayerSpec(poll_ms=2000, execution_order="ready")
    assert item.checks == CheckSelection(default=True, added=(), removed=())
    assert item.matrix_values == {}
    assert list(item.chains) == ["ethereum", "optimism"]
    assert item.chains["ethereum"].finality == Finality(blocks=2)
    assert item.chains["optimism"].finality == item.chains["optimism"].profile.finality
    assert item.chains["optimism"].profile.name == "optimism"


def test_identifiers_are_the_same_everywhere(tmp_path: Path) -> None:
    """A tx_id depends on file name, seed and leg and on nothing else; the payload follows from it."""
    (item,) = load(tmp_path, HEAD + TIMELINE)
    leg = item.leg("swap.pay")
    assert leg.tx_id == "0x" + hashlib.sha256(b"case/1/swap.pay").hexdigest()
    assert leg.payload == hashlib.shake_256(f"{leg.tx_id}/payload".encode()).digest(64)
    (again,) = load_scenario(write(tmp_path, HEAD.replace("A test", "Another") + TIMELINE))
    assert again.legs == item.legs
    (other_seed,) = load(tmp_path, f"{HEAD}seed: 2\n{TIMELINE}")
    (other_file,) = load_scenario(write(tmp_path, HEAD + TIMELINE, "other.yaml"))
    assert len({one.leg("swap.pay").tx_id for one in (item, other_seed, other_file)}) == 3
    assert len({one.leg("swap.pay").payload for one in (item, other_seed, other_file)}) == 3


@pytest.mark.parametrize(
    ("written", "size"), [("0B", 0), ("1B", 1), ("512B", 512), ("513B", 513), ("0.5KiB", 512), ("0x", 0), ("0xAbcd", 2)]
)
def test_payload_sizes(tmp_path: Path, written: str, size: int) -> None:
    """Sizes up to one byte more than the contract takes; hex is taken as it is."""
    (item,) = load(tmp_path, HEAD.replace("at: +30s", f"at: +30s, payload: {written}") + TIMELINE)
    payload = item.leg("swap.pay").payload
    assert len(payload) == size
    if written == "0xAbcd":
        assert payload == b"\xab\xcd"


def test_targets(tmp_path: Path) -> None:
    """Explicit, else the first child's chain elsewhere, else the next network around, else none."""
    text = """\
name: x
description: y
networks: {ethereum: {}, optimism: {}, base: {}}
flows:
  f:
    given: {chain: ethereum, at: 1s, target: base}
    parent: {chain: ethereum, at: 1s}
    same: {chain: ethereum, at: 1s, after: parent}
    child: {chain: base, at: 1s, after: parent}
    last: {chain: base, at: 1s}
timeline: [{buffer: f}]
"""
    (item,) = load(tmp_path, text)
    assert {leg.leg: leg.target_chain for leg in item.legs} == {
        "given": "base",
        "parent": "base",
        "same": "optimism",
        "child": "ethereum",
        "last": "ethereum",
    }
    (alone,) = load(tmp_path, text.replace(", optimism: {}, base: {}", "").replace("base", "ethereum"))
    assert alone.leg("f.last").target_chain is None


def test_parents_come_before_children(tmp_path: Path) -> None:
    """The order of the file is kept apart from that, across flows too."""
    text = HEAD.replace(
        "  swap:\n",
        "  first:\n    c: {chain: ethereum, at: 1s, after: b}\n    b: {chain: ethereum, at: 1s, after: swap.settle}\n"
        "    d: {chain: ethereum, at: 1s}\n  swap:\n",
    )
    (item,) = load(tmp_path, text + TIMELINE)
    assert [leg.name for leg in item.legs] == ["swap.pay", "swap.settle", "first.b", "first.c", "first.d"]
    assert item.leg("first.b").after == "swap.settle"
    assert item.leg("swap.settle").after == "swap.pay"
    assert [leg.name for leg in item.legs_of("first")] == ["first.b", "first.c", "first.d"]
    assert [leg.name for leg in item.legs_of("first.d")] == ["first.d"]
    with pytest.raises(KeyError):
        item.leg("first.zzz")


def test_steps(tmp_path: Path) -> None:
    """Every step carries its own model, what steps have in common, and its place."""
    text = """\
timeline:
  - {at: +1s, buffer: swap}
  - {id: look, resolve: swap.pay, as: user, expect: {event: TransactionReady}, because: it is due}
  - {call: {chain: optimism, function: f, args: [swap.pay, [1, owner]]}}
  - {admin: {chain: optimism, action: set_window, value: 2m}}
  - {until: {leg: swap.pay, state: READY}, within: 1.5m}
  - {expect: {leg: swap.pay, state: READY}, within: 2s, hold: 3s}
  - {id: high, fault: base_fee_spike, chain: ethereum, wei: 300 gwei, for: 20s}
  - {fault: rpc_latency, chain: ethereum, delay: 250ms}
"""
    (item,) = load(tmp_path, HEAD + text)
    buffer, look, call, admin, until, expect, spike, latency = item.steps
    assert (buffer.id, buffer.kind, buffer.at_ms, buffer.as_role) == ("buffer#1", "buffer", 1000, "operator")
    assert (look.id, look.as_role, look.because, look.at_ms) == ("look", "user", "it is due", None)
    assert look.expect == EventOutcome(event="TransactionReady")
    assert look.where == f"{item.file}:12:5"
    assert isinstance(call.action, CallStep)
    assert call.action.call.args == ("swap.pay", (1, "owner"))
    assert call.expect is None
    assert call.as_role == "operator"
    assert isinstance(admin.action, AdminStep)
    assert admin.action.admin.value == 120
    assert admin.as_role == "owner"
    assert isinstance(until.action, UntilStep)
    assert until.within_ms == 90_000
    assert until.condition == expect.condition == StateExpectation(leg="swap.pay", state="READY")
    assert (expect.within_ms, expect.hold_ms, expect.expect, expect.as_role) == (2000, 3000, None, None)
    assert isinstance(spike.action, BaseFeeSpike)
    assert (spike.kind, spike.action.for_ms, spike.action.chain_name()) == ("fault", 20_000, "ethereum")
    assert spike.action.params() == {"chain": "ethereum", "wei": 300 * 10**9}
    assert isinstance(latency.action, RpcLatency)
    assert latency.action.params() == {"chain": "ethereum", "share": 1.0, "delay_ms": 250, "jitter_ms": 0}


def test_relayer_and_checks(tmp_path: Path) -> None:
    """The relayer can be left out or tuned; checks are added and removed."""
    (item,) = load(tmp_path, f"{HEAD}relayer: none\nchecks: [default, L1, -S9]\n{TIMELINE}")
    assert item.relayer is None
    assert item.checks == CheckSelection(default=True, added=("L1",), removed=("S9",))
    (item,) = load(tmp_path, f"{HEAD}relayer: {{poll: 500ms, execution_order: executed}}\nchecks: []\n{TIMELINE}")
    assert item.relayer == RelayerSpec(poll_ms=500, execution_order="executed")
    assert item.checks == CheckSelection(default=False, added=(), removed=())


def test_profile_of_the_users(tmp_path: Path) -> None:
    """A path is relative to the scenario, and a problem in the profile is reported in the profile."""
    (tmp_path / "nets").mkdir()
    profile = tmp_path / "nets" / "mine.yaml"
    profile.write_text("extends: ethereum\nname: mine\n")
    text = HEAD.replace("optimism: {}", "optimism: {profile: nets/mine.yaml}") + TIMELINE
    (item,) = load(tmp_path, text)
    assert item.chains["optimism"].profile.name == "mine"
    profile.write_text("extends: ethereum\nnam: mine\n")
    with pytest.raises(InvalidFile) as caught:
        load(tmp_path, text)
    assert [(problem.file, problem.line) for problem in caught.value.problems] == [(str(profile), 2)]


MATRIX = f"""\
{HEAD}timeline:
  - {{id: cut, fault: reorg, chain: ethereum, depth: 1}}
  - {{id: look, expect: {{leg: swap.pay, state: EMPTY}}}}
  - {{id: nap, wait: 1s}}
matrix:
"""
"""Fourteen lines; the first key stands in line 15."""


def test_matrix_multiplies_in_order(tmp_path: Path) -> None:
    """The last key turns fastest, and the name of a run tells its values."""
    keys = "  cut.depth: [3, 4]\n  ethereum.finality.blocks: [2, 6]\n  cut.orphans: [requeued]\n"
    items = load(tmp_path, MATRIX + keys)
    assert [item.item for item in items] == [
        f"case[cut.depth={depth}-ethereum.finality.blocks={blocks}-cut.orphans=requeued]"
        for depth in (3, 4)
        for blocks in (2, 6)
    ]
    action = items[2].steps[0].action
    assert isinstance(action, Reorg)
    assert (action.depth, action.orphans) == (4, "requeued")
    assert items[1].chains["ethereum"].finality == Finality(blocks=6)
    assert items[1].matrix_values == {"cut.depth": 3, "ethereum.finality.blocks": 6, "cut.orphans": "requeued"}


def test_matrix_reaches_everything_it_promises(tmp_path: Path) -> None:
    """Seed, window, a policy that the network lacks, values of legs, nested values of steps, and a kind's own value."""
    keys = (
        "  seed: [7]\n  window: [5s]\n  optimism.finality.seconds: [1.5]\n  swap.pay.at: [+90s]\n"
        "  look.expect.state: [BUFFERED]\n  nap.wait: [2s]\n"
    )
    (item,) = load(tmp_path, MATRIX + keys)
    assert (item.seed, item.window_s) == (7, 5)
    assert item.chains["optimism"].finality == Finality(seconds=1.5)
    assert item.leg("swap.pay").at_ms == 90_000
    assert item.leg("swap.pay").tx_id == "0x" + hashlib.sha256(b"case/7/swap.pay").hexdigest()
    assert item.steps[1].condition == StateExpectation(leg="swap.pay", state="BUFFERED")
    assert isinstance(item.steps[2].action, WaitStep)
    assert item.steps[2].action.wait_ms == 2000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "cutt.depth: [1]",
            "15:3 matrix.cutt.depth: the key 'cutt.depth' matches nothing: no step id, network or flow is "
            "called 'cutt' (did you mean cut?)",
        ),
        ("cut.depht: [1, 2]", "15:3 timeline[0].depht: unknown key 'depht' (did you mean depth?)"),
        ("cut.depth: [1, 0]", "15:18 timeline[0].depth: expected at least 1, got 0"),
        (
            "cut.depth: [1, 201]",
            "15:18 timeline[0].depth: expected at most 200 blocks (the nodes keep no older state), got 201",
        ),
        ("cut.depth: [1, 1]", "15:18 matrix.cut.depth[1]: the value 1 is already in the list: remove one"),
        ("cut.depth: [[1]]", "15:15 matrix.cut.depth[0]: expected a number, a text, true or false"),
        (
            "cut.chain: [base]",
            "15:15 timeline[0].chain: the chain 'base' is not among networks (known: ethereum, optimism)",
        ),
        ("cut: [1]", "15:3 matrix.cut: the key 'cut' leads nowhere: a parameter is missing, as in cut.at"),
        (
            "cut.id: [a]",
            "15:3 matrix.cut.id: the key 'cut.id' would change the kind of the step: vary its parameters instead",
        ),
        ("cut.a.b: [1]", "15:3 matrix.cut.a.b: the key 'cut.a.b' leads nowhere: the step has no a with keys below it"),
        (
            "ethereum.window: [1]",
            "15:3 matrix.ethereum.window: the key 'ethereum.window' leads nowhere: a network has "
            "ethereum.finality.blocks, .seconds and .tag",
        ),
        ("ethereum.finality.blocks: [-1]", "15:30 networks.ethereum.finality.blocks: expected at least 0, got -1"),
        (
            "swap.pai.at: [1s]",
            "15:3 matrix.swap.pai.at: the key 'swap.pai.at' leads nowhere: a leg's value is "
            "swap.LEG.KEY with LEG one of pay, settle",
        ),
        ("seed: [x]", "15:10 seed: expected a whole number, got 'x'"),
        (
            "window: [30s, 1s]",
            "15:17 window: expected a window between 5s and 300s (the contract refuses others), got 1s",
        ),
        (
            "cut.depth: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]\n  seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, "
            "13, 14]",
            "14:1 matrix: expected at most 200 combinations, got 210: split the file",
        ),
    ],
)
def test_matrix_problems(tmp_path: Path, line: str, expected: str) -> None:
    """A problem with a value points to the value's entry in the matrix, once however many runs have it."""
    assert problems(tmp_path, f"{MATRIX}  {line}\n") == [expected]


def test_the_registries_hold_every_model() -> None:
    """Each kind is registered under the name by which a file calls it."""
    for kind, step in STEPS.items():
        assert step.kind == kind
        assert kind == "fault" or any((info.alias or name) == kind for name, info in step.model_fields.items())
    assert [fault.name for fault in FAULTS.values()] == list(FAULTS)


_WORDS = st.sampled_from(
    [
        "ethereum",
        "optimism",
        "swap",
        "swap.pay",
        "pay",
        "x",
        "1s",
        "+30s",
        "64B",
        "reorg",
        "READY",
        "operator",
        "none",
        "a.b",
    ]
)
_KEYS = st.sampled_from(
    [
        "name",
        "description",
        "networks",
        "flows",
        "timeline",
        "matrix",
        "checks",
        "relayer",
        "rows",
        "seed",
        "window",
        "id",
        "at",
        "chain",
        "after",
        "payload",
        "target",
        "buffer",
        "resolve",
        "call",
        "args",
        "function",
        "admin",
        "action",
        "value",
        "fault",
        "depth",
        "heal",
        "wait",
        "until",
        "within",
        "expect",
        "leg",
        "state",
        "ethereum",
        "optimism",
        "swap",
        "pay",
        "finality",
        "blocks",
        "profile",
        "x",
        "x.depth",
        "swap.pay.at",
        "ethereum.finality.blocks",
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 300) | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.dictionaries(_KEYS, _VALUES, max_size=5), st.sampled_from(["whole", "timeline", "flows", "matrix", "networks"])
)
def test_garbage_in_the_right_words_never_raises_anything_else(
    tmp_path: Path, content: dict[str, object], where: str
) -> None:
    """A file made of the right words in wrong places loads or is an InvalidFile whose problems stand inside the file."""
    sound: dict[str, object] = {
        "name": "x",
        "description": "y",
        "networks": {"ethereum": {}},
        "timeline": [{"id": "x", "wait": "1s"}],
        "flows": {"swap": {"pay": {"chain": "ethereum", "at": "1s"}}},
    }
    file = content if where == "whole" else {**sound, where: [content] if where == "timeline" else content}
    path = write(tmp_path, json.dumps(file))
    try:
        assert load_scenario(path, known_checks={"S1"})
    except InvalidFile as error:
        here = [problem for problem in error.problems if problem.file == str(path)]
        assert error.problems  # noqa: PT017 - either outcome is right
        assert all(problem.line >= 1 and problem.column >= 1 for problem in here)
