# @version 0.3.10
"""
@title Scribe
@license MIT
@notice A correct coordinator that keeps states as texts, and answers yes and no by numbers.
"""

event Touched:
    tx_id: indexed(bytes32)
    by: address

event TransactionBuffered:
    tx_id: indexed(bytes32)
    origin_rollup: indexed(address)
    target_rollup: indexed(address)
    timestamp: uint256

event TransactionReady:
    tx_id: indexed(bytes32)

event TransactionFailed:
    tx_id: indexed(bytes32)
    reason: String[100]

struct Page:
    status: String[9]
    payload: Bytes[512]
    origin_rollup: address
    target_rollup: address
    dependency_tx_id: bytes32
    timestamp: uint256

owner: public(address)
authorized_operators: public(HashMap[address, uint256])
transactions: public(HashMap[bytes32, Page])
transaction_count: public(uint256)
coordination_window: public(uint256)
paused: public(uint256)


@external
def __init__():
    self.owner = msg.sender
    self.authorized_operators[msg.sender] = 1
    self.coordination_window = 30


@external
def add_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.authorized_operators[operator] = 1


@external
def remove_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.authorized_operators[operator] = 0


@external
def set_coordination_window(window: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    assert window >= 5 and window <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = window


@external
def pause():
    assert msg.sender == self.owner, "Only owner can pause"
    self.paused = block.timestamp


@external
def unpause():
    assert msg.sender == self.owner, "Only owner can unpause"
    self.paused = 0


@internal
@view
def _may():
    assert self.authorized_operators[msg.sender] == 1, "Not authorized"
    assert self.paused == 0, "Coordinator is paused"


@external
def buffer_transaction(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    self._may()
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert len(self.transactions[tx_id].status) == 0, "Transaction already exists"
    self.transactions[tx_id] = Page({
        status: "buffered",
        payload: payload,
        origin_rollup: origin_rollup,
        target_rollup: target_rollup,
        dependency_tx_id: dependency_tx_id,
        timestamp: timestamp,
    })
    self.transaction_count += 1
    log Touched(tx_id, msg.sender)
    log TransactionBuffered(tx_id, origin_rollup, target_rollup, timestamp)


@internal
@view
def _is(tx_id: bytes32, status: String[9]) -> bool:
    return keccak256(self.transactions[tx_id].status) == keccak256(status)


@external
def resolve_dependency(tx_id: bytes32):
    self._may()
    assert self._is(tx_id, "buffered"), "Transaction not in buffered state"
    log Touched(tx_id, msg.sender)
    due: uint256 = self.transactions[tx_id].timestamp
    parent: bytes32 = self.transactions[tx_id].dependency_tx_id
    if block.timestamp > due and block.timestamp - due > self.coordination_window:
        log TransactionFailed(tx_id, "Transaction expired")
    elif block.timestamp < due:
        log TransactionFailed(tx_id, "Dependencies not satisfied")
    elif parent != empty(bytes32) and not self._is(parent, "ready") and not self._is(parent, "executed"):
        log TransactionFailed(tx_id, "Dependencies not satisfied")
    else:
        self.transactions[tx_id].status = "ready"
        log TransactionReady(tx_id)


@external
def mark_executed(tx_id: bytes32):
    self._may()
    assert self._is(tx_id, "ready"), "Transaction not ready"
    self.transactions[tx_id].status = "executed"
    log Touched(tx_id, msg.sender)


@external
@view
def is_transaction_ready(tx_id: bytes32) -> uint256:
    if self._is(tx_id, "ready") and block.timestamp >= self.transactions[tx_id].timestamp:
        return 1
    return 0


@external
@view
def get_transaction_state(tx_id: bytes32) -> String[9]:
    return self.transactions[tx_id].status


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, String[9]):
    page: Page = self.transactions[tx_id]
    return page.origin_rollup, page.target_rollup, page.dependency_tx_id, page.timestamp, page.status
