# @version 0.3.10
# The documented interface and nothing more: states 0 to 3, one owner for good, no stop, no end state.

EMPTY: constant(uint8) = 0
BUFFERED: constant(uint8) = 1
READY: constant(uint8) = 2
EXECUTED: constant(uint8) = 3

struct Transaction:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: uint8

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

owner: public(immutable(address))
transactions: public(HashMap[bytes32, Transaction])
transaction_count: public(uint256)
authorized_operators: public(HashMap[address, bool])
coordination_window: public(uint256)


@external
def __init__():
    owner = msg.sender
    self.authorized_operators[msg.sender] = True
    self.coordination_window = 30


@internal
@view
def _only_operator(caller: address):
    if not self.authorized_operators[caller]:
        raise "Not authorized"


@external
def buffer_transaction(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    self._only_operator(msg.sender)
    assert self.transactions[tx_id].state == EMPTY, "Transaction already exists"
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"

    self.transactions[tx_id] = Transaction({
        origin_rollup: origin_rollup,
        target_rollup: target_rollup,
        payload: payload,
        dependency_tx_id: dependency_tx_id,
        timestamp: timestamp,
        state: BUFFERED,
    })
    self.transaction_count += 1
    log TransactionBuffered(tx_id, origin_rollup, target_rollup, timestamp)


@external
def resolve_dependency(tx_id: bytes32):
    self._only_operator(msg.sender)
    assert self.transactions[tx_id].state == BUFFERED, "Transaction not in buffered state"

    opens: uint256 = self.transactions[tx_id].timestamp
    parent: bytes32 = self.transactions[tx_id].dependency_tx_id
    if block.timestamp > opens and block.timestamp - opens > self.coordination_window:
        log TransactionFailed(tx_id, "Transaction expired")
    elif block.timestamp < opens:
        log TransactionFailed(tx_id, "Dependencies not satisfied")
    elif parent != empty(bytes32) and self.transactions[parent].state < READY:
        log TransactionFailed(tx_id, "Dependencies not satisfied")
    else:
        self.transactions[tx_id].state = READY
        log TransactionReady(tx_id)


@external
def mark_executed(tx_id: bytes32):
    self._only_operator(msg.sender)
    assert self.transactions[tx_id].state == READY, "Transaction not ready"
    self.transactions[tx_id].state = EXECUTED


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    if self.transactions[tx_id].state != READY:
        return False
    return self.transactions[tx_id].timestamp <= block.timestamp


@external
@view
def get_transaction_state(tx_id: bytes32) -> uint8:
    return self.transactions[tx_id].state


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, uint8):
    entry: Transaction = self.transactions[tx_id]
    return entry.origin_rollup, entry.target_rollup, entry.dependency_tx_id, entry.timestamp, entry.state


@external
def set_coordination_window(seconds: uint256):
    assert msg.sender == owner, "Only owner can set window"
    if seconds < 5 or seconds > 300:
        raise "Window must be between 5 and 300 seconds"
    self.coordination_window = seconds


@external
def add_operator(account: address):
    assert msg.sender == owner, "Only owner can add operators"
    self.authorized_operators[account] = True


@external
def remove_operator(account: address):
    assert msg.sender == owner, "Only owner can remove operators"
    self.authorized_operators[account] = False
