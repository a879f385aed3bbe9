# pragma version 0.4.3
"""
@title Pausable Coordinator
@license MIT
@author Tesseract Lab
@notice The plain coordinator with an emergency stop that its owner pulls and lifts; without a circuit breaker.
@dev The base of some contracts in `contracts/broken`; a correct contract with a part of the optional ones.
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
    reason: String[100]


event EmergencyStop:
    caller: indexed(address)
    reason: String[100]


event EmergencyStopLifted:
    caller: indexed(address)


flag State:
    EMPTY
    BUFFERED
    READY
    EXECUTED


struct CrossRollupTransaction:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: State


owner: public(address)
authorized_operators: public(HashMap[address, bool])
transactions: public(HashMap[bytes32, CrossRollupTransaction])
transaction_count: public(uint256)
coordination_window: public(uint256)
paused: public(bool)


@deploy
def __init__():
    self.owner = msg.sender
    self.authorized_operators[msg.sender] = True
    self.coordination_window = 30


@external
def add_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.authorized_operators[operator] = True


@external
def remove_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.authorized_operators[operator] = False


@external
def set_coordination_window(window: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    assert window >= 5 and window <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = window


@external
def pause():
    assert msg.sender == self.owner, "Only owner can pause"
    self.paused = True
    log EmergencyStop(caller=msg.sender, reason="Paused by owner")


@external
def unpause():
    assert msg.sender == self.owner, "Only owner can unpause"
    self.paused = False
    log EmergencyStopLifted(caller=msg.sender)


@external
def buffer_transaction(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert not self.paused, "Coordinator is paused"
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert self.transactions[tx_id].state == empty(State), "Transaction already exists"
    self.transactions[tx_id] = CrossRollupTransaction(
        origin_rollup=origin_rollup,
        target_rollup=target_rollup,
        payload=payload,
        dependency_tx_id=dependency_tx_id,
        timestamp=timestamp,
        state=State.BUFFERED,
    )
    self.transaction_count += 1
    log TransactionBuffered(
        tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp
    )


@external
def resolve_dependency(tx_id: bytes32):
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert not self.paused, "Coordinator is paused"
    assert self.transactions[tx_id].state == State.BUFFERED, "Transaction not in buffered state"
    timestamp: uint256 = self.transactions[tx_id].timestamp
    if block.timestamp - min(timestamp, block.timestamp) > self.coordination_window:  # a sum could overflow
        log TransactionFailed(tx_id=tx_id, reason="Transaction expired")
        return
    if block.timestamp < timestamp or not self._dependency_met(tx_id):
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return
    self.transactions[tx_id].state = State.READY
    log TransactionReady(tx_id=tx_id)


@external
def mark_executed(tx_id: bytes32):
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert not self.paused, "Coordinator is paused"
    assert self.transactions[tx_id].state == State.READY, "Transaction not ready"
    self.transactions[tx_id].state = State.EXECUTED


@internal
@view
def _dependency_met(tx_id: bytes32) -> bool:
    dependency: bytes32 = self.transactions[tx_id].dependency_tx_id
    return dependency == empty(bytes32) or self.transactions[dependency].state in (State.READY | State.EXECUTED)


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    found: State = self.transactions[tx_id].state
    return found == State.READY and block.timestamp >= self.transactions[tx_id].timestamp


@external
@view
def get_transaction_state(tx_id: bytes32) -> State:
    return self.transactions[tx_id].state


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, State):
    found: CrossRollupTransaction = self.transactions[tx_id]
    return found.origin_rollup, found.target_rollup, found.dependency_tx_id, found.timestamp, found.state
