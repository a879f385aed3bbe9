# pragma version 0.4.3
"""
@title Engine
@license MIT
@notice A correct coordinator to stand behind proxies: it has an initializer in place of a constructor, and its own
        storage belongs to nobody. A failure names its reason by a number.
"""

event TransactionBuffered:
    tx_id: indexed(bytes32)
    origin_rollup: indexed(address)
    target_rollup: indexed(address)
    timestamp: uint256

event TransactionReady:
    tx_id: indexed(bytes32)

event TransactionFailed:
    tx_id: indexed(bytes32)
    code: uint8

event Initialized:
    version: uint64

struct Transaction:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: uint8

version: public(uint64)
owner: public(address)
pending_owner: public(address)
authorized_operators: public(HashMap[address, bool])
transactions: public(HashMap[bytes32, Transaction])
transaction_count: public(uint256)
coordination_window: public(uint256)
paused: public(bool)


@deploy
def __init__():
    self.version = max_value(uint64)


@external
def initialize(owner: address, window: uint256):
    assert self.version == 0, "Initialized before"
    assert owner != empty(address), "No owner"
    self.version = 1
    self.owner = owner
    self.authorized_operators[owner] = True
    self.coordination_window = window
    log Initialized(version=1)


@internal
@view
def _operator():
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert not self.paused, "Coordinator is paused"


@external
def add_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.authorized_operators[operator] = True


@external
def remove_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.authorized_operators[operator] = False


@external
def set_coordination_window(window_seconds: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    assert window_seconds >= 5 and window_seconds <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = window_seconds


@external
def pause():
    assert msg.sender == self.owner, "Only owner can pause"
    assert not self.paused, "Coordinator is paused"
    self.paused = True


@external
def unpause():
    assert msg.sender == self.owner, "Only owner can unpause"
    assert self.paused, "Coordinator is not paused"
    self.paused = False


@external
def propose_owner(new_owner: address):
    assert msg.sender == self.owner, "Only owner can propose owner"
    self.pending_owner = new_owner


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "Only pending owner can accept"
    self.owner = msg.sender
    self.pending_owner = empty(address)


@external
def buffer_transaction(tx_id: bytes32, origin_rollup: address, target_rollup: address, payload: Bytes[512], dependency_tx_id: bytes32, timestamp: uint256):
    self._operator()
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert timestamp < 2**41, "Timestamp too far"
    assert self.transactions[tx_id].state == 0, "Transaction already exists"
    self.transactions[tx_id] = Transaction(origin_rollup=origin_rollup, target_rollup=target_rollup, payload=payload, dependency_tx_id=dependency_tx_id, timestamp=timestamp, state=1)
    self.transaction_count += 1
    log TransactionBuffered(tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp)


@external
def resolve_dependency(tx_id: bytes32):
    self._operator()
    assert self.transactions[tx_id].state == 1, "Transaction not in buffered state"
    due: uint256 = self.transactions[tx_id].timestamp
    parent: bytes32 = self.transactions[tx_id].dependency_tx_id
    if block.timestamp > due + self.coordination_window:
        log TransactionFailed(tx_id=tx_id, code=1)
    elif block.timestamp < due or (parent != empty(bytes32) and self.transactions[parent].state < 2):
        log TransactionFailed(tx_id=tx_id, code=2)
    else:
        self.transactions[tx_id].state = 2
        log TransactionReady(tx_id=tx_id)


@external
def mark_executed(tx_id: bytes32):
    self._operator()
    assert self.transactions[tx_id].state == 2, "Transaction not ready"
    self.transactions[tx_id].state = 3


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    return self.transactions[tx_id].state == 2 and block.timestamp >= self.transactions[tx_id].timestamp


@external
@view
def get_transaction_state(tx_id: bytes32) -> uint8:
    return self.transactions[tx_id].state


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, uint8):
    t: Transaction = self.transactions[tx_id]
    return t.origin_rollup, t.target_rollup, t.dependency_tx_id, t.timestamp, t.state
