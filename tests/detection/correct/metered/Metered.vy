# pragma version 0.4.3
"""
@title Metered
@license MIT
@notice A correct coordinator that wants two blocks between buffering and resolve, lets an account make twelve bufferings or batches a
        block, and returns results from its batches. One function stops and lifts the stop.
"""

event Progress:
    step: uint8
    tx_id: bytes32

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

event Switched:
    on: bool
    by: indexed(address)

struct Request:
    tx_id: bytes32
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256

struct Leg:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: uint8
    block_number: uint64
    by: address

PER_BLOCK: constant(uint256) = 12

owner: public(address)
heir: public(address)
authorized_operators: public(HashMap[address, bool])
transactions: public(HashMap[bytes32, Leg])
transaction_count: public(uint128)
coordination_window: public(uint16)
closed: public(bool)
used: HashMap[address, HashMap[uint256, uint256]]


@deploy
@payable
def __init__():
    self.owner = msg.sender
    self.authorized_operators[msg.sender] = True
    self.coordination_window = 30


@internal
def _may():
    assert self.authorized_operators[msg.sender], "Not authorized"
    assert not self.closed, "closed"


@internal
def _count(number: uint256):
    self.used[msg.sender][block.number] += number
    assert self.used[msg.sender][block.number] <= PER_BLOCK, "Too many in this block"


@external
def add_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.authorized_operators[operator] = True


@external
def remove_operator(operator: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.authorized_operators[operator] = False


@external
def set_coordination_window(window: uint16):
    assert msg.sender == self.owner, "Only owner can set window"
    assert window >= 5 and window <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = window


@external
def turn(on: bool):
    assert msg.sender == self.owner, "owner only"
    self.closed = not on
    log Switched(on=on, by=msg.sender)


@external
def transfer_ownership(new_owner: address):
    assert msg.sender == self.owner, "owner only"
    self.heir = new_owner


@external
def accept_ownership():
    assert msg.sender == self.heir and msg.sender != empty(address), "not the heir"
    self.owner = msg.sender
    self.heir = empty(address)


@internal
def _buffer(r: Request) -> bool:
    assert r.tx_id != empty(bytes32), "Invalid transaction ID"
    assert r.origin_rollup != empty(address), "Invalid origin rollup"
    assert r.target_rollup != empty(address), "Invalid target rollup"
    assert r.origin_rollup != r.target_rollup, "Origin and target must be different"
    assert r.timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert r.timestamp < 2**40, "Timestamp too far"
    assert self.transactions[r.tx_id].state == 0, "Transaction already exists"
    self.transactions[r.tx_id] = Leg(origin_rollup=r.origin_rollup, target_rollup=r.target_rollup, payload=r.payload, dependency_tx_id=r.dependency_tx_id, timestamp=r.timestamp, state=1, block_number=convert(block.number, uint64), by=msg.sender)
    self.transaction_count += 1
    log Progress(step=1, tx_id=r.tx_id)
    log TransactionBuffered(tx_id=r.tx_id, origin_rollup=r.origin_rollup, target_rollup=r.target_rollup, timestamp=r.timestamp)
    return True


@internal
def _resolve(tx_id: bytes32) -> bool:
    leg: Leg = self.transactions[tx_id]
    assert leg.state == 1, "Transaction not in buffered state"
    log Progress(step=2, tx_id=tx_id)
    if block.timestamp > leg.timestamp + convert(self.coordination_window, uint256):
        log TransactionFailed(tx_id=tx_id, reason="Transaction expired")
        return False
    parent: uint8 = self.transactions[leg.dependency_tx_id].state
    met: bool = leg.dependency_tx_id == empty(bytes32) or parent >= 2
    if block.timestamp < leg.timestamp or not met:
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return False
    if block.number < convert(leg.block_number, uint256) + 2:
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
        return False
    self.transactions[tx_id].state = 2
    log TransactionReady(tx_id=tx_id)
    return True


@internal
def _execute(tx_id: bytes32) -> bool:
    assert self.transactions[tx_id].state == 2, "Transaction not ready"
    self.transactions[tx_id].state = 3
    log Progress(step=3, tx_id=tx_id)
    return True


@external
def buffer_transaction(tx_id: bytes32, origin_rollup: address, target_rollup: address, payload: Bytes[512], dependency_tx_id: bytes32, timestamp: uint256):
    self._may()
    self._count(1)
    self._buffer(Request(tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, payload=payload, dependency_tx_id=dependency_tx_id, timestamp=timestamp))


@external
def resolve_dependency(tx_id: bytes32) -> bool:
    self._may()
    return self._resolve(tx_id)


@external
def mark_executed(tx_id: bytes32) -> uint256:
    self._may()
    self._execute(tx_id)
    return block.timestamp


@external
def buffer_batch(requests: DynArray[Request, 50]) -> DynArray[bool, 50]:
    self._may()
    self._count(1)
    done: DynArray[bool, 50] = []
    for r: Request in requests:
        done.append(self._buffer(r))
    return done


@external
def resolve_batch(tx_ids: DynArray[bytes32, 50]) -> DynArray[bool, 50]:
    self._may()
    done: DynArray[bool, 50] = []
    for tx_id: bytes32 in tx_ids:
        done.append(self._resolve(tx_id))
    return done


@external
def execute_batch(tx_ids: DynArray[bytes32, 50]) -> DynArray[bool, 50]:
    self._may()
    done: DynArray[bool, 50] = []
    for tx_id: bytes32 in tx_ids:
        done.append(self._execute(tx_id))
    return done


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
    leg: Leg = self.transactions[tx_id]
    return leg.origin_rollup, leg.target_rollup, leg.dependency_tx_id, leg.timestamp, leg.state
