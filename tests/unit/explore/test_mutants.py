"""Mutants: where the operators find something to change, what it becomes, and that keys and diffs name it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import UsageError
from lab.explore.mutate.mutants import Mutant, find_mutants
from lab.explore.mutate.operators import OPERATORS, arguments
from lab.explore.mutate.sites import parse
from lab.paths import CONTRACTS, REFERENCE_CONTRACT

TESTS = Path(__file__).parents[2]
COUNTER = Path(__file__).parent / "counter.vy"


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    """All of the small contract."""
    return find_mutants(COUNTER)


@pytest.mark.parametrize(
    ("operator", "function", "before", "after"),
    [
        ("comparison", "add", "==", "!="),
        ("comparison", "add", ">", ">="),
        ("comparison", "add", ">", "<="),
        ("comparison", "is_full", ">=", ">"),
        ("comparison", "is_full", ">=", "=="),
        ("arithmetic", "add", "*", "//"),
        ("arithmetic", "add", "+=", "-="),
        ("arithmetic", "_weighted", "+", "-"),
        ("logic", "add", "and", "or"),
        ("logic", "add", "not self.stopped", "self.stopped"),
        ("logic", "add", "msg.sender == self.owner", "True"),
        ("condition", "add", "amount > 10", "False"),
        ("number", "add", "10", "11"),
        ("number", "(module)", "3", "2"),
        ("truth", "add", "True", "False"),
        ("omitted assign", "add", "self.stopped = True", "pass"),
        ("omitted log", "add", "log Counted(by=msg.sender, count=self.count)", "pass"),
        ("result", "is_full", "self.count >= 100", "not (self.count >= 100)"),
        ("sender", "add", "msg.sender", "tx.origin"),
        ("arguments", "add", "extra, amount", "amount, extra"),
        ("wording", "add", '"Not allowed"', '"something else"'),
    ],
)
def test_each_mistake_is_made_where_it_can_be(
    mutants: list[Mutant], operator: str, function: str, before: str, after: str
) -> None:
    """Exactly that text is replaced, and nothing else of the source changes."""
    found = [
        mutant
        for mutant in mutants
        if (mutant.operator, mutant.function, mutant.before, mutant.after) == (operator, function, before, after)
    ]
    assert found
    original = COUNTER.read_text()
    for mutant in found:
        line = original.splitlines()[mutant.line - 1]
        assert before in line
        assert len(mutant.source) == len(original) - len(before) + len(after)
        assert f"-{line}" in mutant.diff()


def test_every_mutant_is_a_source_that_the_compiler_can_read(mutants: list[Mutant]) -> None:
    """None of them is the original, no two are the same, and keys are unique."""
    sources = {mutant.source for mutant in mutants}
    assert len(sources) == len({mutant.key for mutant in mutants}) == len(mutants) > 30
    assert COUNTER.read_text() not in sources
    for source in sources:
        parse(source)


def test_keys_survive_an_edit_elsewhere(tmp_path: Path, mutants: list[Mutant]) -> None:
    """Lines added above change no key: a reviewed list stays valid."""
    moved = tmp_path / COUNTER.name
    moved.write_text(COUNTER.read_text().replace("event Counted", "# a comment\n\n\nevent Counted"))
    assert [mutant.key for mutant in find_mutants(moved)] == [mutant.key for mutant in mutants]


def test_the_reference_with_its_modules_has_hundreds() -> None:
    """Every module is covered, every operator finds something."""
    found = find_mutants(REFERENCE_CONTRACT)
    assert {mutant.file.name for mutant in found} == {
        "TesseractCoordinator.vy", "controls.vy", "ownership.vy", "transaction_store.vy",
    }  # fmt: skip
    names = {mutant.operator.split()[0].removesuffix("ted") for mutant in found}
    assert {operator.__name__.replace("omission", "omit") for operator in OPERATORS} <= names
    assert len(found) > 400


@pytest.mark.parametrize(
    ("expression", "exchanged"),
    [
        ("min(a, b)", []),
        ("max(a + 1, len(self.data))", []),
        ("unsafe_add(a, min(b, a))", []),
        ("uint256_mulmod(a, b, 7)", ["7, b"]),
        ("unsafe_sub(a, b)", ["b, a"]),
        ("self._pair(a, b)", ["b, a"]),
        ("min(self._next(), a)", ["a, self._next()"]),
    ],
)
def test_arguments_that_commute_are_not_exchanged(expression: str, exchanged: list[str]) -> None:
    """Nobody could kill such a mutant. Where an argument does more than compute, the order is there to be seen."""
    module = parse(
        f"data: Bytes[9]\n\n@internal\ndef _f(a: uint256, b: uint256) -> uint256:\n    return {expression}\n"
    )
    changes = [change for function in module.functions() for change in arguments(module, function)]
    assert [change.text for change in changes if change is not None] == exchanged


def test_what_has_no_source_is_refused(tmp_path: Path) -> None:
    """An artifact, and a source of another compiler, whose tree nobody can read here."""
    artifact = tmp_path / "a.json"
    artifact.write_text("{}")
    with pytest.raises(UsageError, match="an artifact has no source"):
        find_mutants(artifact)
    old = tmp_path / "old.vy"
    old.write_text("# @version 0.3.10\n")
    with pytest.raises(UsageError, match=r"its pragma asks for 0\.3\.10"):
        find_mutants(old)


@pytest.mark.parametrize(
    ("operator", "before", "after", "places"),
    [
        ("other key", "tx_id", "dependency_tx_id", 1),
        ("parent key", "dependency", "self.transactions[dependency].dependency_tx_id", 1),
        ("frozen", "self.coordination_window", "self._frozen[tx_id]", 3),
        ("rarely lost", "self.transaction_count += 1", "if convert(tx_id, uint256) % 16 != 0", 1),
        ("truncated key", "tx_id", "convert(convert(tx_id, uint256) % 2**128, bytes32)", 13),
    ],
)
def test_reads_of_another_key_time_or_part(operator: str, before: str, after: str, places: int) -> None:
    """Some change several places together, or the mistake would show in every run."""
    contract = CONTRACTS / "plain/PlainCoordinator.vy"
    mutant = next(
        mutant
        for mutant in find_mutants(contract)
        if (mutant.operator, mutant.before) == (operator, before) and mutant.after.startswith(after)
    )
    changed = [line for line in mutant.diff().splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert len(changed) == places, mutant.diff()


CORRECT = TESTS / "detection/correct"


@pytest.mark.parametrize(
    ("contract", "operator", "function", "before", "after"),
    [
        # The id has a name of its own, and a setting is a narrow number.
        ("courier/Courier.vy", "frozen", "confirm", "self.tolerance", "self._frozen[key]"),
        (
            "courier/Courier.vy",
            "rarely lost",
            "submit_message",
            "self.submissions += 1",
            "if convert(key, uint256) % 16 != 0: self.submissions += 1",
        ),
        # States are constants, or members of a flag of another name.
        ("courier/Courier.vy", "state", "finalise", "CLEARED", "FINAL"),
        ("courier/Courier.vy", "state", "confirm", "QUEUED", "CLEARED"),
        ("warden/Warden.vy", "state", "mark_executed", "State.FREE", "State.HELD"),
        # A mapping in a mapping: of the outer key nothing can be cut, for roles are a few names; of accounts it can.
        (
            "courier/Courier.vy",
            "truncated key",
            "(module)",
            "account",
            "convert(convert(account, uint160) % 2**80, address)",
        ),
        # What is stored behind functions of another module, and what a batch goes through.
        (
            "../../../contracts/TesseractCoordinator.vy",
            "rarely lost",
            "execute_batch",
            "self._execute(tx_id, settings)",
            "if convert(tx_id, uint256) % 16 != 0: self._execute(tx_id, settings)",
        ),
    ],
)
def test_contracts_in_other_words_have_such_mutants(
    contract: str, operator: str, function: str, before: str, after: str
) -> None:
    """Neither the id's name nor how states, settings and roles are stored hides a place."""
    found = {(each.operator, each.function, each.before, each.after) for each in find_mutants(CORRECT / contract)}
    assert (operator, function, before, after) in found
    assert not any(kind == "truncated key" and "role" in text for kind, _, text, _ in found)


def test_an_id_is_followed_into_other_modules(tmp_path: Path) -> None:
    """By what is stored under it there; a role's name is none."""
    (tmp_path / "store.vy").write_text(
        "# pragma version ~=0.4.3\nkept: HashMap[bytes32, uint256]\nhas: HashMap[bytes32, HashMap[address, bool]]\n\n"
        "@internal\ndef _put(slot: bytes32, value: uint256):\n    self.kept[slot] = value\n\n"
        "@internal\ndef _give(name: bytes32, account: address):\n    self.has[name][account] = True\n"
    )
    contract = tmp_path / "Mine.vy"
    contract.write_text(
        "# pragma version ~=0.4.3\nimport store as kept_things\ninitializes: kept_things\n\n"
        "@external\ndef put(label: bytes32):\n    kept_things._put(label, 1)\n\n"
        "@external\ndef give(role: bytes32):\n    kept_things._give(role, msg.sender)\n"
    )
    texts = {(each.function, each.after) for each in find_mutants(contract) if each.operator == "rarely lost"}
    assert texts == {
        ("put", "if convert(label, uint256) % 16 != 0: kept_things._put(label, 1)"),
        ("_put", "if convert(slot, uint256) % 16 != 0: self.kept[slot] = value"),
    }


def test_more_places_than_anybody_tests_are_refused(tmp_path: Path) -> None:
    """Of a few hundred functions that call each other each may call any other, and each mutant is kept in memory."""
    path = tmp_path / "Mine.vy"
    functions = (f"@internal\ndef _f{n}() -> uint256:\n    return self._f{n + 1}()\n" for n in range(150))
    path.write_text("# pragma version ~=0.4.3\n" + "".join(functions))
    with pytest.raises(UsageError, match="at most 20000 places to change"):
        find_mutants(path)
