# pragma version ~=0.4.3
"""
@title Warden
@notice A correct coordinator whose owner is no operator: roles by hash, resolve refused for two blocks after the
        buffering, a breaker that shows nothing of its count, resolve itself ends what is late, 110,000 gas of its own.
"""
flag State:
    BLANK
    HELD
    FREE
    DONE
    GONE

struct Item:
    origin_rollup: address
    target_rollup: address
    payload: Bytes[512]
    dependency_tx_id: bytes32
    timestamp: uint256
    state: State
    since: uint256

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

event RoleGranted:
    role: indexed(bytes32)
    account: indexed(address)
    sender: indexed(address)

event RoleRevoked:
    role: indexed(bytes32)
    account: indexed(address)
    sender: indexed(address)

event Stopped:
    by: indexed(address)
    why: String[64]

event Restarted:
    by: indexed(address)

KEEPER: constant(bytes32) = keccak256("KEEPER")
LIMIT: constant(uint256) = 25

owner: public(address)
hasRole: public(HashMap[bytes32, HashMap[address, bool]])
items: HashMap[bytes32, Item]
transaction_count: public(uint256)
coordination_window: public(uint256)
stopped: public(bool)
late: uint256
since: uint256
scratch: HashMap[uint256, bytes32]
n: uint256


@deploy
def __init__(boss: address):
    self.owner = boss
    self.coordination_window = 45


@internal
def _burn(tx_id: bytes32):
    for i: uint256 in range(5):
        self.scratch[self.n] = tx_id
        self.n += 1


@internal
@view
def _keeper():
    assert self.hasRole[KEEPER][msg.sender], "Not authorized"
    assert not self.stopped, "Warden: stopped"


@external
def grantRole(role: bytes32, account: address):
    assert msg.sender == self.owner, "Only owner can add operators"
    self.hasRole[role][account] = True
    log RoleGranted(role=role, account=account, sender=msg.sender)


@external
def revokeRole(role: bytes32, account: address):
    assert msg.sender == self.owner, "Only owner can remove operators"
    self.hasRole[role][account] = False
    log RoleRevoked(role=role, account=account, sender=msg.sender)


@external
def set_coordination_window(seconds: uint256):
    assert msg.sender == self.owner, "Only owner can set window"
    assert seconds >= 5 and seconds <= 300, "Window must be between 5 and 300 seconds"
    self.coordination_window = seconds


@external
def stop():
    assert msg.sender == self.owner, "Warden: owner only"
    assert not self.stopped, "Warden: stopped"
    self.stopped = True
    log Stopped(by=msg.sender, why="by hand")


@external
def restart():
    assert msg.sender == self.owner, "Warden: owner only"
    assert self.stopped, "Warden: not stopped"
    self.stopped = False
    self.late = 0
    log Restarted(by=msg.sender)


@external
def buffer_transaction(
    tx_id: bytes32,
    origin_rollup: address,
    target_rollup: address,
    payload: Bytes[512],
    dependency_tx_id: bytes32,
    timestamp: uint256,
):
    self._keeper()
    self._burn(tx_id)
    assert tx_id != empty(bytes32), "Invalid transaction ID"
    assert origin_rollup != empty(address), "Invalid origin rollup"
    assert target_rollup != empty(address), "Invalid target rollup"
    assert origin_rollup != target_rollup, "Origin and target must be different"
    assert timestamp >= block.timestamp, "Timestamp cannot be in the past"
    assert self.items[tx_id].state == empty(State), "Transaction already exists"
    self.items[tx_id] = Item(
        origin_rollup=origin_rollup,
        target_rollup=target_rollup,
        payload=payload,
        dependency_tx_id=dependency_tx_id,
        timestamp=timestamp,
        state=State.HELD,
        since=block.number,
    )
    self.transaction_count += 1
    log TransactionBuffered(tx_id=tx_id, origin_rollup=origin_rollup, target_rollup=target_rollup, timestamp=timestamp)


@internal
def _count():
    if block.timestamp > self.since + 3600:
        self.since = block.timestamp
        self.late = 0
    self.late += 1
    if self.late >= LIMIT:
        self.stopped = True
        log Stopped(by=msg.sender, why="too many late")


@external
def resolve_dependency(tx_id: bytes32):
    self._keeper()
    self._burn(tx_id)
    assert self.items[tx_id].state == State.HELD, "Transaction not in buffered state"
    assert block.number >= self.items[tx_id].since + 2, "Warden: too soon"
    due: uint256 = self.items[tx_id].timestamp
    parent: bytes32 = self.items[tx_id].dependency_tx_id
    if block.timestamp < due:
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
    elif block.timestamp - due > self.coordination_window:
        self.items[tx_id].state = State.GONE
        log TransactionFailed(tx_id=tx_id, reason="Transaction expired")
        self._count()
    elif parent != empty(bytes32) and not (self.items[parent].state in (State.FREE | State.DONE)):
        log TransactionFailed(tx_id=tx_id, reason="Dependencies not satisfied")
    else:
        self.items[tx_id].state = State.FREE
        log TransactionReady(tx_id=tx_id)


@external
def mark_executed(tx_id: bytes32):
    self._keeper()
    self._burn(tx_id)
    assert self.items[tx_id].state == State.FREE, "Transaction not ready"
    self.items[tx_id].state = State.DONE


@external
@view
def is_transaction_ready(tx_id: bytes32) -> bool:
    return self.items[tx_id].state == State.FREE and block.timestamp >= self.items[tx_id].timestamp


@external
@view
def get_transaction_state(tx_id: bytes32) -> State:
    return self.items[tx_id].state


@external
@view
def get_transaction_details(tx_id: bytes32) -> (address, address, bytes32, uint256, State):
    i: Item = self.items[tx_id]
    return i.origin_rollup, i.target_rollup, i.dependency_tx_id, i.timestamp, i.state


@external
@view
def transactions(tx_id: bytes32) -> Item:
    return self.items[tx_id]
