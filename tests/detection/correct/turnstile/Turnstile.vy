# pragma version 0.4.3
"""
@title Turnstile
@license MIT
@notice A correct coordinator whose owner is an argument of the constructor. Its functions return results beside their
        events, a list holds at most 32 operators, and another event comes before the documented one.
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

event TransactionExecuted:
    tx_id: indexed(bytes32)
    executor: indexed(address)

event Attempt:
    tx_id: indexed(bytes32)
    number: uint256

event OperatorSet:
    account: indexed(address)
    on: bool

MAX_OPERATORS: constant(uint256) = 32

struct Request:
    sender: address
    origin: address
    target: address
    due: uint64
    dependency: bytes32
    attempts: uint32

owner: public(address)
operators: DynArray[address, 32]
requests: HashMap[bytes32, Request]
bodies: HashMap[bytes32, Bytes[512]]
ready: HashMap[bytes32, bool]
done: HashMap[bytes32, bool]
transaction_count: public(uint256)
coordination_window: public(uint256)


@deploy
def __init__(owner: address, window: uint256):
    assert owner != empty(address)
    self.owner = owner
    self.operators.append(owner)
    self.coordination_window = window


@internal
@view
def _index(account: address) -> uint256:
    for i: uint256 in range(32):
        if i >= len(self.operators):
            break
        if self.operators[i] == account:
            return i
    return 32


@external
@view
def authorized_operators(operator: address) -> bool:
    return self._index(operator) < 32


@external
def add_operator(operator: address) -> bool:
    assert msg.sender == self.owner, "Only owner can add operators"
    if self._index(operator) < 32:
        return False
    assert len(self.operators) < MAX_OPERATORS, "Too many operators"
    self.operators.append(operator)
    log OperatorSet(account=operator, on=True)
    return True


@external
def remove_operator(operator: address) -> bool:
    assert msg.sender == self.owner, "Only owner can remove operators"
    i: uint256 = self._index(operator)
    if i == 32:
        return False
    self.operators[i] = self.operators[len(self.operators) - 1]
    self.operators.pop()
    log OperatorSet(account=operator, on=False)
    return True


@external
def set_coordination_window(window: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    assert window >= 5 and window <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = window


@external
def buffer_transaction(tx_id: bytes32, origin_rollup: address, target_rollup: address, payload: Bytes[512], dependency_tx_id: bytes32, timestamp: uint256) -> bool:
    assert self._index(msg.sender) < 32, "Not authorized"
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert timestamp < 2**64, "Timestamp too far"
    assert self.requests[tx_id].sender == empty(address), "Transaction already exists"
    self.requests[tx_id] = Request(sender=msg.sender, origin=origin_rollup, target=target_rollup, due=convert(timestamp, uint64), dependency=dependency_tx_id, attempts=0)
    self.bodies[tx_id] = payload
    self.transaction_count += 1
    log TransactionBuffered(tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp)
    return True


@external
def resolve_dependency(tx_id: bytes32) -> bool:
    assert self._index(msg.sender) < 32, "Not authorized"
    assert self.requests[tx_id].sender != empty(address) and not self.ready[tx_id], "Transaction not in buffered state"
    self.requests[tx_id].attempts += 1
    log Attempt(tx_id=tx_id, number=convert(self.requests[tx_id].attempts, uint256))
    due: uint256 = convert(self.requests[tx_id].due, uint256)
    dependency: bytes32 = self.requests[tx_id].dependency
    if dependency != empty(bytes32) and not self.ready[dependency]:
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return False
    if block.timestamp < due:
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return False
    if block.timestamp - due > self.coordination_window:
        log TransactionFailed(tx_id=tx_id, reason="Transaction expired")
        return False
    self.ready[tx_id] = True
    log TransactionReady(tx_id=tx_id)
    return True


@external
def mark_executed(tx_id: bytes32) -> bool:
    assert self._index(msg.sender) < 32, "Not authorized"
    assert self.ready[tx_id] and not self.done[tx_id], "Transaction not ready"
    self.done[tx_id] = True
    log TransactionExecuted(tx_id=tx_id, executor=msg.sender)
    return True


@internal
@view
def _state(tx_id: bytes32) -> uint8:
    if self.done[tx_id]:
        return 3
    if self.ready[tx_id]:
        return 2
    return 1 if self.requests[tx_id].sender != empty(address) else 0


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    return self._state(tx_id) == 2


@external
@view
def get_transaction_state(tx_id: bytes32) -> uint8:
    return self._state(tx_id)


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, uint8):
    r: Request = self.requests[tx_id]
    return r.origin, r.target, r.dependency, convert(r.due, uint256), self._state(tx_id)


@external
@view
def transactions(tx_id: bytes32) -> (address, Bytes[512], uint8):
    return self.requests[tx_id].sender, self.bodies[tx_id], self._state(tx_id)
