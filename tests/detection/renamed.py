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


def renamed_source() -> str:
    """A contract that does all that is documented and calls hardly anything as documented."""
    text = (ROOT / "contracts/broken/executes_while_paused.vy").read_text()
    # That one has a stop; what it lacks is asked for where it executes.
    ready = '    assert self.transactions[tx_id].state == State.READY, "Transaction not ready"\n'
    text = text.replace(ready, '    assert not self.paused, "Coordinator is paused"\n' + ready)
    text = text.replace("authorized_operators: public(HashMap[address, bool])\n", "")
    start, end = text.index("@external\ndef add_operator"), text.index("@external\ndef set_coordination_window")
    text = text[:start] + ROLES.lstrip("\n") + text[end:]
    text = text.replace("self.authorized_operators[", "self.hasRole[OPERATOR_ROLE][")
    code = text[text.index("event ") :]
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
    text = text.replace("(State.READY | State.EXECUTED)", "[READY, EXECUTED]").replace("empty(State)", "EMPTY")
    return re.sub(r"\bState\b(?!\.)", "uint256", text.replace("State.", ""))
