"""The plain contract told otherwise: under names of its own with operators granted by hash, and with states 0 to 3."""

from __future__ import annotations

import re

from .conftest import ROOT

LAB_YAML = """\
contract: contracts/Bridge.vy
functions:
  buffer: enqueue
  resolve: settle_dependency
  execute: mark_transaction_executed
  pause: emergency_pause
  unpause: emergency_resume
  paused: stopped
  owner: admin
events:
  TransactionBuffered: Enqueued
  TransactionReady: Settled
  EmergencyStop: Stopped
roles:
  operator: OPERATOR_ROLE
"""

NAMES = {
    "buffer_transaction": "enqueue",
    "resolve_dependency": "settle_dependency",
    "mark_executed": "mark_transaction_executed",
    "owner": "admin",
    "TransactionBuffered": "Enqueued",
    "TransactionReady": "Settled",
    "pause": "emergency_pause",
    "unpause": "emergency_resume",
    "paused": "stopped",
    "EmergencyStop": "Stopped",
    "tx_id": "_id",
}

ROLES = """
OPERATOR_ROLE: constant(bytes32) = keccak256("OPERATOR_ROLE")
hasRole: public(HashMap[bytes32, HashMap[address, bool]])


@external
def grantRole(role: bytes32, account: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.hasRole[role][account] = True


@external
def revokeRole(role: bytes32, account: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.hasRole[role][account] = False


"""


def replaced(text: str, old: str, new: str, times: int) -> str:
    """`old` replaced as often as it is expected to stand there: a source that has changed is a failure, not a pass."""
    assert text.count(old) == times, f"expected {times} times {old!r}, got {text.count(old)}"
    return text.replace(old, new)


def renamed_source() -> str:
    """A contract that does all that is documented and calls hardly anything as documented."""
    text = (ROOT / "contracts/plain/PausableCoordinator.vy").read_text()
    text = replaced(text, "authorized_operators: public(HashMap[address, bool])\n", "", 1)
    start, end = text.index("@external\ndef add_operator"), text.index("@external\ndef set_coordination_window")
    text = text[:start] + ROLES.lstrip("\n") + text[end:]
    text = replaced(text, "self.authorized_operators[", "self.hasRole[OPERATOR_ROLE][", 4)
    code = text[text.index("event ") :]
    missing = [old for old in NAMES if re.search(rf"\b{old}\b", code) is None]
    assert missing == [], f"expected names in the source that it does not have: {missing}"
    words = re.compile("|".join(rf"\b{old}\b" for old in NAMES))
    # Every other part lies between quotes: a message, which stays as it is.
    parts = code.split('"')
    parts[::2] = [words.sub(lambda found: NAMES[found.group()], part) for part in parts[::2]]
    return "# pragma version 0.4.3\n\n" + '"'.join(parts)


def numbered_source() -> str:
    """The plain contract with the documented state numbers, 0 to 3, in place of a flag's 1, 2, 4, 8."""
    text = (ROOT / "contracts/plain/PlainCoordinator.vy").read_text()
    start, end = text.index("flag State:"), text.index("struct CrossRollupTransaction")
    names = ("EMPTY", "BUFFERED", "READY", "EXECUTED")
    constants = "".join(f"{name}: constant(uint256) = {number}\n" for number, name in enumerate(names))
    text = text[:start] + constants + "\n\n" + text[end:]
    text = replaced(text, "(State.READY | State.EXECUTED)", "[READY, EXECUTED]", 1)
    text = replaced(text, "empty(State)", "EMPTY", 1)
    text = replaced(text, "State.", "", 6)
    text, types = re.subn(r"\bState\b", "uint256", text)
    assert types > 0
    return text
