"""Each rule flags what it is for, at its line, and leaves its correct sibling alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab.analysis.accepted import with_reasons
from lab.analysis.analyse import analyse
from lab.analysis.finding import Finding, Severity
from lab.analysis.program import read_program
from lab.analysis.rules import RULES
from lab.analysis.sarif import to_sarif
from lab.broken import read_bugs
from lab.deploy.vyper.source import read_source
from lab.errors import UsageError
from lab.paths import CONTRACTS

# That the compiler is kept within bounds is shown where contracts are compiled.
pytestmark = pytest.mark.usefixtures("asked_here")

HEAD = """# pragma version 0.4.3
interface Other:
    def act(): nonpayable
    def look() -> uint256: view
event Changed:
    by: address
owner: address
count: uint256
book: HashMap[address, uint256]
items: DynArray[uint256, 5000]
few: DynArray[uint256, 10]
@deploy
def __init__():
    self.owner = msg.sender
@internal
@view
def _only_owner(who: address):
    assert who == self.owner, "Not authorized"
"""
GUARD = '    assert msg.sender == self.owner, "Not authorized"\n'

# Rule -> bodies that it flags, at the line that ends in FLAG; bodies that it does not flag.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "state-after-call": (
        [
            f"{GUARD}    extcall Other(other).act()\n    self.count = 1  # FLAG\n",
            f"{GUARD}    raw_call(other, b'')\n    self.count += 1  # FLAG\n",
            f"{GUARD}    for i: uint256 in range(3):\n        self.count = i  # FLAG\n        send(other, 1)\n",
            f"{GUARD}    send(other, 1)\n    self.items.append(1)  # FLAG\n",
        ],
        [
            f"{GUARD}    self.count = 1\n    extcall Other(other).act()\n",
            f"{GUARD}    seen: uint256 = staticcall Other(other).look()\n    self.count = seen\n",
            f"{GUARD}    raw_call(other, b'', is_static_call=True)\n    self.count = 1\n",
            f"{GUARD}    if self.count == 1:\n        extcall Other(other).act()\n        return\n    self.count = 1\n",
            f"{GUARD}    if self.count == 1:\n        extcall Other(other).act()\n    else:\n        self.count = 1\n",
        ],
    ),
    "unchecked-raw-call": (
        [
            "    raw_call(other, b'', revert_on_failure=False)  # FLAG\n",
            "    done: bool = raw_call(other, b'', revert_on_failure=False)  # FLAG\n",
        ],
        [
            "    raw_call(other, b'')\n",
            '    done: bool = raw_call(other, b"", revert_on_failure=False)\n    assert done, "call failed"\n',
        ],
    ),
    "unguarded-write": (
        [
            "    self.count = 1\n",
            '    assert self.count == 0, "taken"\n    self.count = 1\n',
            f"    self.count = 1\n{GUARD}",
            "    if self.count > 3:\n        assert msg.sender == self.owner, 'no'\n    self.count = 1\n",
            "    self.book[other] = 1\n",
        ],
        [
            f"{GUARD}    self.count = 1\n",
            "    self._only_owner(msg.sender)\n    self.count = 1\n",
            "    caller: address = msg.sender\n    assert caller == self.owner, 'no'\n    self.count = 1\n",
            "    if msg.sender != self.owner:\n        raise 'no'\n    self.count = 1\n",
            "    self.book[msg.sender] += 1\n",
            "    seen: uint256 = self.count\n",
        ],
    ),
    "tx-origin": (["    assert tx.origin == self.owner, 'no'  # FLAG\n"], [GUARD]),
    "storage-loop": (
        [
            "    for item: uint256 in self.items:  # FLAG\n        pass\n",
            "    for i: uint256 in range(self.count, bound=9000):  # FLAG\n        pass\n",
        ],
        [
            "    for item: uint256 in self.few:\n        pass\n",
            "    for i: uint256 in range(self.count, bound=50):\n        pass\n",
            "    for i: uint256 in range(9000):\n        pass\n",
        ],
    ),
    "write-without-event": (
        [f"{GUARD}    self.count = 1\n"],
        [f"{GUARD}    self.count = 1\n    log Changed(by=msg.sender)\n", GUARD],
    ),
    "shadowed-storage": (
        ["    count: uint256 = 1  # FLAG\n"],
        ["    counted: uint256 = 1\n"],
    ),
    "timestamp-equality": (
        ["    assert block.timestamp == self.count, 'no'  # FLAG\n", "    assert 5 != block.timestamp, 'no'  # FLAG\n"],
        ["    assert block.timestamp >= self.count, 'no'\n"],
    ),
    "assert-without-reason": (
        ["    assert self.count == 1  # FLAG\n", "    if self.count == 1:\n        raise  # FLAG\n"],
        ["    assert self.count == 1, 'no'\n"],
    ),
    "unreachable-code": (
        [
            "    if True:  # FLAG\n        self.count = 1\n",
            "    for i: uint256 in range(3):\n        break\n        self.count = 1  # FLAG\n",
        ],
        ["    if self.count == 1:\n        return\n    self.count = 1\n"],
    ),
}


def source(folder: Path, body: str) -> Path:
    """A contract with one function."""
    path = folder / "Case.vy"
    path.write_text(f"{HEAD}@external\n@payable\ndef act(other: address):\n{body}")
    return path


def findings(path: Path, rule: str) -> list[Finding]:
    """Those of one rule."""
    check = next(one.check for one in RULES if one.name == rule)
    return list(check(read_program(read_source(path))))


def test_every_rule_has_both_sides() -> None:
    assert set(CASES) == {rule.name for rule in RULES}


@pytest.mark.parametrize(("rule", "body"), [(rule, body) for rule, (flagged, _) in CASES.items() for body in flagged])
def test_flagged(tmp_path: Path, rule: str, body: str) -> None:
    """At the line marked FLAG where there is one, else at the function."""
    path = source(tmp_path, body)
    lines = path.read_text().splitlines()
    marked = [number for number, line in enumerate(lines, 1) if line.endswith("# FLAG")]
    expected = marked or [lines.index("def act(other: address):") + 1]
    assert sorted({finding.line for finding in findings(path, rule)} & set(expected)) == expected


@pytest.mark.parametrize(("rule", "body"), [(rule, body) for rule, (_, clean) in CASES.items() for body in clean])
def test_left_alone(tmp_path: Path, rule: str, body: str) -> None:
    assert findings(source(tmp_path, body), rule) == []


@pytest.mark.parametrize(("lock", "severity"), [("@nonreentrant\n", Severity.LOW), ("", Severity.HIGH)])
def test_a_lock_makes_a_late_write_less_grave(tmp_path: Path, lock: str, severity: Severity) -> None:
    path = source(tmp_path, f"{GUARD}    extcall Other(other).act()\n    self.count = 1\n")
    path.write_text(path.read_text().replace("@payable\n", f"@payable\n{lock}"))
    assert [finding.severity for finding in findings(path, "state-after-call")] == [severity]


def test_through_modules(tmp_path: Path) -> None:
    """A guard, a write and a call in an imported module count as the caller's own; exported functions are entries."""
    (tmp_path / "store.vy").write_text(
        "# pragma version 0.4.3\nkept: uint256\nkeeper: address\n@internal\ndef _guard():\n"
        '    assert msg.sender == self.keeper, "Not authorized"\n'
        "@internal\ndef _keep(value: uint256):\n    self.kept = value\n"
        "@external\ndef open_to_all():\n    self._keep(1)\n"
    )
    main = tmp_path / "Main.vy"
    main.write_text(
        "# pragma version 0.4.3\nimport store\ninitializes: store\nexports: store.open_to_all\n"
        "@external\ndef kept_well():\n    store._guard()\n    store._keep(2)\n"
        "@external\ndef kept_badly():\n    store._keep(2)\n    store._guard()\n"
    )
    flagged = [finding.message.split()[0] for finding in findings(main, "unguarded-write")]
    assert flagged == ["kept_badly", "open_to_all"]


@pytest.mark.older_vyper
def test_the_older_dialect(tmp_path: Path) -> None:
    """Before 0.4 calls of other contracts carry no mark; views are told by the interface."""
    path = tmp_path / "Old.vy"
    path.write_text(
        "# @version 0.3.10\ninterface Other:\n    def act(): nonpayable\n    def look() -> uint256: view\n"
        "other: Other\ncount: uint256\n"
        "@external\ndef late():\n    assert msg.sender == self.other.address, 'no'\n    self.other.act()\n"
        "    self.count = 1\n"
        "@external\ndef sound():\n    assert msg.sender == self.other.address, 'no'\n"
        "    self.count = self.other.look()\n    Other(msg.sender).act()\n"
    )
    assert [finding.line for finding in findings(path, "state-after-call")] == [11]


@pytest.mark.parametrize(
    ("bug", "rule"),
    [("missing_auth", "unguarded-write"), ("reentrancy", "state-after-call"), ("tx_origin_auth", "tx-origin")],
)
def test_known_bugs_are_seen_without_running_them(bug: str, rule: str) -> None:
    assert bug in read_bugs()
    assert rule in {finding.rule for finding in analyse(CONTRACTS / "broken" / f"{bug}.vy").open}


@pytest.mark.parametrize("contract", ["TesseractCoordinator.vy", "plain/PlainCoordinator.vy", "multisig/TwoOfThree.vy"])
def test_correct_contracts_have_no_grave_finding(contract: str) -> None:
    assert analyse(CONTRACTS / contract).open == []


def test_a_reason_in_the_source_accepts_one_rule(tmp_path: Path) -> None:
    """Without a reason nothing is accepted, and another rule's reason does not count."""
    for comment, accepted in (
        ("# lab: accept[unguarded-write] anybody may poke it", "anybody may poke it"),
        ("# lab: accept[unguarded-write]", ""),
        ("# lab: accept[tx-origin] another rule", ""),
    ):
        path = source(tmp_path, "    self.count = 1\n")
        other = tmp_path / f"Case{len(comment)}.vy"
        other.write_text(path.read_text().replace("@external\n@payable\n", f"{comment}\n@external\n@payable\n"))
        assert [one.accepted for one in with_reasons(findings(other, "unguarded-write"))] == [accepted]


def test_sarif(tmp_path: Path) -> None:
    """Every result names a rule of the tool, a file relative to the base, and a place that counts from 1."""
    analysis = analyse(source(tmp_path, "    self.count = 1\n"))
    document = json.loads(json.dumps(to_sarif(analysis, tmp_path)))
    run = document["runs"][0]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert document["version"] == "2.1.0"
    assert {result["ruleId"] for result in run["results"]} == {"unguarded-write", "write-without-event"} <= rules
    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "Case.vy"
        assert min(place["region"].values()) >= 1


def test_an_artifact_cannot_be_analysed(tmp_path: Path) -> None:
    (tmp_path / "Case.json").write_text('{"abi": [], "bytecode": "0x00"}')
    with pytest.raises(UsageError, match=r"expected a Vyper source"):
        analyse(tmp_path / "Case.json")


def test_the_document_lists_every_rule() -> None:
    text = (Path(__file__).parents[3] / "docs" / "static-analysis.md").read_text()
    assert [rule.name for rule in RULES if f"| `{rule.name}` |" not in text or rule.demand not in text] == []
