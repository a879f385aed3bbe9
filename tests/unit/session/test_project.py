"""lab.yaml: which contract, which relayer, which names; every mistake with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.errors import InvalidFile
from lab.session.project import read_project
from lab.session.project_search import find_project
from lab.session.relayer.declared import DeclaredRelayer

WHOLE = """\
contract: contracts/Mine.vy
relayer_cmd: python relayer.py --fast
functions:
  pause: emergency_pause
  execute: mark_transaction_executed
  breaker_threshold: circuit_breaker_threshold
events:
  EmergencyStop: CircuitBroken
roles:
  operator: OPERATOR_ROLE
"""


def function(name: str, *inputs: str, returns: tuple[str, ...] = ()) -> dict[str, Any]:
    """A function of an ABI; parameters as `type name`, or a type alone."""
    parameters = [dict(zip(("type", "name"), [*each.split(), ""], strict=False)) for each in inputs]
    outputs = [{"type": kind, "name": ""} for kind in returns]
    return {"type": "function", "name": name, "inputs": parameters, "outputs": outputs}


ABI: list[dict[str, Any]] = [
    function("emergency_pause"),
    function("mark_transaction_executed", "bytes32 tx_id"),
    function("circuit_breaker_limit", returns=("uint256",)),
    function("grantRole", "bytes32 role", "address account"),
    function("revokeRole", "bytes32 role", "address account"),
    {"type": "event", "name": "CircuitBroken", "inputs": []},
]


def written(folder: Path, text: str) -> Path:
    """A project file."""
    path = folder / "lab.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, text: str) -> list[str]:
    """What is wrong with a file, without its folder."""
    with pytest.raises(InvalidFile) as caught:
        read_project(written(folder, text))
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_whole_file(tmp_path: Path) -> None:
    """Paths are seen from the file, short names become documented ones, a role's name its hash."""
    written(tmp_path, WHOLE)
    project = find_project(tmp_path)
    assert project is not None
    assert project.contract == tmp_path / "contracts/Mine.vy"
    assert project.relayer_cmd == "python relayer.py --fast"
    assert project.names.functions == {
        "pause": "emergency_pause",
        "mark_executed": "mark_transaction_executed",
        "breaker_threshold": "circuit_breaker_threshold",
    }
    assert project.names.events == {"EmergencyStop": "CircuitBroken"}
    assert project.names.roles == {"operator": "0x" + keccak(text="OPERATOR_ROLE").hex()}


def test_a_folder_without_one(tmp_path: Path) -> None:
    """No file, no project; a folder of that name is none either."""
    assert find_project(tmp_path) is None
    (tmp_path / "lab.yaml").mkdir()
    assert find_project(tmp_path) is None


def test_a_role_by_its_hash(tmp_path: Path) -> None:
    """32 bytes in hex are taken as they are; anything else is a name."""
    given = "0x" + "AB" * 32
    assert read_project(written(tmp_path, f'roles: {{operator: "{given}"}}')).names.roles["operator"] == given.lower()
    short = read_project(written(tmp_path, 'roles: {operator: "0xab"}')).names.roles["operator"]
    assert short == "0x" + keccak(text="0xab").hex()


ONE_CALL = "roles: {{e: {{grant: {}, revoke: {}, functions: [execute]}}}}\n"
GIVE = "{name: set_role, arguments: [account, {value: true}]}"
TAKE = GIVE.replace("true", "false")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE_CALL.format(GIVE, GIVE), "grant and revoke are one and the same call"),
        (ONE_CALL.format(GIVE.replace("account", "who"), TAKE), "expected account or {value: ...}, got who"),
        (ONE_CALL.format(GIVE.replace("account, ", ""), TAKE), "expected account once, got it 0 times"),
        (ONE_CALL.format(GIVE.replace("true", "1"), TAKE), "no function set_role of these 2 arguments to grant"),
        (ONE_CALL.format(GIVE, TAKE.replace("set_role", "take")), "no function take of these 2 arguments to revoke"),
    ],
)  # fmt: skip
def test_a_role_by_one_function(tmp_path: Path, text: str, words: str) -> None:
    """Its arguments are written out; what does not fit is said at its place."""
    abi = [function("set_role", "address account", "bool on")]
    read_project(written(tmp_path, ONE_CALL.format(GIVE, TAKE))).check(abi)
    with pytest.raises(InvalidFile, match=r"lab\.yaml:1:") as caught:
        read_project(written(tmp_path, text)).check(abi)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("functions:\n  pauze: stop\n", "lab.yaml:2:3 functions.pauze: the lab knows no function pauze (did you"),
        ("events: {Ready: X}\n", "lab.yaml:1:10 events.Ready: the lab knows no event Ready"),
        ("roles: {owner: X}\n", "lab.yaml:1:9 roles.owner: the lab knows no role owner (known: operator)"),
        ("contracts: a.vy\n", "lab.yaml:1:1 contracts: unknown key 'contracts' (did you mean contract?)"),
        ("contract: 5\n", "lab.yaml:1:11 contract: expected a text, got 5"),
        ("functions: [pause]\n", "lab.yaml:1:12 functions: expected a mapping"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(tmp_path: Path, text: str, expected: str) -> None:
    """File, line, column, and what was probably meant."""
    (found,) = problems(tmp_path, text)
    assert found.startswith(expected)


def test_names_that_the_contract_does_not_have(tmp_path: Path) -> None:
    """Told with their place, once the contract is known."""
    project = read_project(written(tmp_path, WHOLE))
    with pytest.raises(InvalidFile) as caught:
        project.check(ABI)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems] == [
        "lab.yaml:6:22 functions.breaker_threshold: the contract has no function circuit_breaker_threshold "
        "(did you mean circuit_breaker_limit?)"
    ]
    project.check([*ABI, function("circuit_breaker_threshold", returns=("uint256",))])


def test_a_name_may_be_a_signature(tmp_path: Path) -> None:
    """It chooses between functions of one name; without it the documented types have to."""
    abi = [function("mark", "bytes32 id", "uint8 kind"), function("mark", "bytes32 id", "bytes memo")]
    whole = 'functions: {execute: {name: "mark(bytes32,uint8)", arguments: [tx_id, {value: 1}]}}'
    read_project(written(tmp_path, whole)).check(abi)
    for text, words in (
        (
            "functions: {execute: mark}\n",
            "several of that name, none as documented: write one of mark(bytes32,uint8), ",
        ),
        ('functions: {execute: "mark(uint8)"}\n', "no function mark(uint8) (did you mean mark(bytes32,uint8)?)"),
        ('functions: {execute: "mark(bytes32,bytes)"}\n', "say by `arguments` what each of its 2 arguments is"),
    ):
        with pytest.raises(InvalidFile) as caught:
            read_project(written(tmp_path, text)).check(abi)
        assert words in str(caught.value)
        assert "lab.yaml:1:22 functions.execute: " in str(caught.value)
    one = [abi[0] | {"inputs": [{"type": "bytes32"}]}, abi[1]]
    read_project(written(tmp_path, "functions: {execute: mark}\n")).check(one)


def test_a_relayer_declares_how_it_looks_at_chains(tmp_path: Path) -> None:
    """What the bounds of L1 and L2 count on goes with its command; without a section nothing is declared."""
    project = read_project(
        written(
            tmp_path, "relayer_cmd: ./mine\nrelayer: {poll: 5s, steps: 4, confirmations: 2, requests_per_minute: 600}\n"
        )
    )
    assert project.relayer is not None
    declared = project.relayer.declared
    assert (declared.poll_ms, declared.steps) == (5_000, 4)
    assert (declared.confirmations, declared.requests_per_minute) == (2, 600)
    plain = read_project(written(tmp_path, "relayer_cmd: ./mine\n")).relayer
    assert plain is not None
    assert plain.declared == DeclaredRelayer()


@pytest.mark.parametrize(
    "section",
    [
        "{poll: 5}",
        "{poll: 0s}",
        "{poll: soon}",
        "{steps: 0}",
        "{steps: 1.5}",
        "{stepps: 3}",
        "[]",
        "{requests_per_minute: 0}",
        "{confirmations: -1}",
    ],
)
def test_what_a_relayer_cannot_declare_is_a_problem_with_its_place(tmp_path: Path, section: str) -> None:
    (problem,) = problems(tmp_path, f"relayer_cmd: ./mine\nrelayer: {section}\n")
    assert problem.startswith("lab.yaml:2:")


SHARED_ABI: list[dict[str, Any]] = [
    function("set_level", "uint8 level"),
    function("level", returns=("uint8",)),
    {"type": "event", "name": "Moved", "inputs": [{"name": "id", "type": "bytes32", "indexed": True},
                                                  {"name": "new", "type": "uint8", "indexed": False}]},
]  # fmt: skip
SHARED = """\
functions:
  pause: {name: set_level, arguments: [{value: 3}]}
  unpause: {name: set_level, arguments: [{bits: 4}]}
  paused: {name: level, true_for: [3]}
events:
  TransactionReady: {name: Moved, arguments: {tx_id: id}, where: {new: 2}}
  TransactionFailed: {name: Moved, arguments: {tx_id: id}, where: {new: [1, 4]}}
"""


def test_one_function_and_one_event_for_several(tmp_path: Path) -> None:
    """Told apart by constants and by fields."""
    project = read_project(written(tmp_path, SHARED))
    project.check(SHARED_ABI)
    assert project.names.event_where == {"TransactionReady": {"new": (2,)}, "TransactionFailed": {"new": (1, 4)}}
    assert [slot.bits for slot in project.names.arguments["unpause"]] == [True]
    assert project.names.truths["paused"].values == (3,)


@pytest.mark.parametrize(
    ("here", "instead", "expected"),
    [
        (
            "{bits: 4}",
            "{value: 3}",
            "lab.yaml:3:12 functions.unpause: pause and unpause are both set_level(uint8): give",
        ),
        (
            "where: {new: 2}",
            "where: {new: [1, 4]}",
            "lab.yaml:7:22 events.TransactionFailed: TransactionReady and Tran",
        ),
        (
            "where: {new: 2}",
            "where: {new: [4, 2]}",
            "TransactionReady and TransactionFailed are both Moved(bytes32,uint8)",
        ),
        ("where: {new: 2}", "where: {next: 2}", "events.TransactionReady.where.next: the event Moved has no argument"),
        ("where: {new: 2}", "where: {new: 256}", "events.TransactionReady.where.new: expected uint8, got 256"),
        ("{bits: 4}", "{bits: 256}", "functions.unpause.arguments[0].bits: expected uint8, got 256"),
    ],
)
def test_what_tells_several_apart_has_to_fit(tmp_path: Path, here: str, instead: str, expected: str) -> None:
    """Nobody could tell two names of one and the same call, or event, apart."""
    project = read_project(written(tmp_path, SHARED.replace(here, instead)))
    with pytest.raises(InvalidFile) as caught:
        project.check(SHARED_ABI)
    assert [expected in str(problem) for problem in caught.value.problems] == [True]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("functions: {pause: {true_for: [1]}}", "pause is no getter of yes or no"),
        ("functions: {paused: {true_for: [1], true_bits: 1}}", "expected true_for or true_bits, got both"),
        ("functions: {pause: {arguments: [{value: 1, bits: 1}]}}", "expected {value: ...} or {bits: ...}"),
        ("functions: {pause: {arguments: [{}]}}", "expected {value: ...} or {bits: ...}"),
    ],
)
def test_forms_that_say_nothing(tmp_path: Path, text: str, expected: str) -> None:
    """Both of two, none of two, and yes or no of what does something."""
    assert any(expected in problem for problem in problems(tmp_path, text))
