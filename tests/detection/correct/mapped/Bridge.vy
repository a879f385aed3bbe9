# pragma version 0.4.3
"""
@title A coordinator of another house
@license MIT
@notice Does what is documented and calls hardly anything as documented: names, orders of arguments, an extra argument,
        roles by hash, a second role for execution, a constructor with arguments, a fee to be switched off, a breaker
        with a private counter and two blocks between buffering and resolve. Its owner is no operator.
"""

event RoleGranted:
    role: indexed(bytes32)
    account: indexed(address)


event Enqueued:
    source: indexed(address)
    destination: indexed(address)
    id: indexed(bytes32)
    due: uint256
    lane: uint8


event Settled:
    id: indexed(bytes32)


event Dropped:
    id: indexed(bytes32)
    why: String[100]


event Halted:
    by: indexed(address)
    why: String[100]


event Resumed:
    by: indexed(address)


flag Status:
    FRESH
    QUEUED
    SETTLED
    DONE
    LAPSED


struct Item:
    due: uint256
    status: Status
    parent: bytes32
    source: address
    destination: address
    payload: Bytes[512]
    lane: uint8
    queued_in: uint256


OPERATOR_ROLE: constant(bytes32) = keccak256("OPERATOR_ROLE")
EXECUTOR_ROLE: constant(bytes32) = keccak256("EXECUTOR_ROLE")
DELAY_BLOCKS: constant(uint256) = 2
PERIOD: constant(uint256) = 7200

admin: public(address)
hasRole: public(HashMap[bytes32, HashMap[address, bool]])
items: HashMap[bytes32, Item]
enqueued_total: public(uint256)
grace: public(uint256)
fee: public(uint256)
stopped: public(bool)
tripped: public(bool)
limit: immutable(uint256)
_failures: uint256
_since: uint256


@deploy
def __init__(owner: address, failures_allowed: uint256):
    assert owner != empty(address), "no owner"
    self.admin = owner
    self.grace = 60
    self.fee = 1
    limit = failures_allowed


@external
def grantRole(role: bytes32, account: address):
    assert msg.sender == self.admin, "admin only"
    self.hasRole[role][account] = True
    log RoleGranted(role=role, account=account)


@external
def revokeRole(role: bytes32, account: address):
    assert msg.sender == self.admin, "admin only"
    self.hasRole[role][account] = False


@external
def set_grace(period: uint256):
    assert msg.sender == self.admin, "admin only"
    assert period >= 5 and period <= 300, "grace out of range"
    self.grace = period


@external
def set_fee(amount: uint256):
    assert msg.sender == self.admin, "admin only"
    self.fee = amount


@external
def halt():
    assert msg.sender == self.admin, "admin only"
    self.stopped = True
    log Halted(by=msg.sender, why="by admin")


@external
def resume():
    assert msg.sender == self.admin, "admin only"
    self.stopped = False
    log Resumed(by=msg.sender)


@external
def reset():
    assert msg.sender == self.admin, "admin only"
    self.tripped = False
    self._failures = 0
    self._since = 0
    log Resumed(by=msg.sender)


@external
@payable
def enqueue(
    due: uint256,
    id: bytes32,
    lane: uint8,
    destination: address,
    source: address,
    parent: bytes32,
    body: Bytes[512],
):
    self._authorize(OPERATOR_ROLE)
    assert msg.value >= self.fee, "fee missing"
    assert id != empty(bytes32), "id is zero"
    assert source != empty(address), "source is zero"
    assert destination != empty(address), "destination is zero"
    assert source != destination, "source is destination"
    assert due >= block.timestamp, "due is past"
    assert self.items[id].status == empty(Status), "id is taken"
    assert lane == 7, "no such lane"
    self.items[id] = Item(
        due=due,
        status=Status.QUEUED,
        parent=parent,
        source=source,
        destination=destination,
        payload=body,
        lane=lane,
        queued_in=block.number,
    )
    self.enqueued_total += 1
    log Enqueued(source=source, destination=destination, id=id, due=due, lane=lane)


@external
def settle(lane: uint8, id: bytes32):
    self._authorize(OPERATOR_ROLE)
    item: Item = self.items[id]
    assert item.status == Status.QUEUED, "not queued"
    if block.timestamp - min(item.due, block.timestamp) > self.grace:
        self.items[id].status = Status.LAPSED
        log Dropped(id=id, why="too late")
        self._count_failure()
        return
    assert block.number >= item.queued_in + DELAY_BLOCKS, "settle later"
    if block.timestamp < item.due or not self._met(item.parent):
        log Dropped(id=id, why="too early")
        return
    self.items[id].status = Status.SETTLED
    log Settled(id=id)


@external
def finish(id: bytes32):
    self._authorize(EXECUTOR_ROLE)
    assert self.items[id].status == Status.SETTLED, "not settled"
    self.items[id].status = Status.DONE


@internal
@view
def _authorize(role: bytes32):
    assert self.hasRole[role][msg.sender], "role missing"
    assert not self.stopped and not self.tripped, "halted"


@internal
@view
def _met(parent: bytes32) -> bool:
    return parent == empty(bytes32) or self.items[parent].status in (Status.SETTLED | Status.DONE)


@internal
def _count_failure():
    if block.timestamp >= self._since + PERIOD:
        self._since = block.timestamp
        self._failures = 0
    self._failures += 1
    if limit != 0 and self._failures >= limit:
        self.tripped = True
        log Halted(by=msg.sender, why="too many")


@external
@view
def is_settled(id: bytes32) -> bool:
    return self.items[id].status == Status.SETTLED and block.timestamp >= self.items[id].due


@external
@view
def item(id: bytes32) -> Item:
    return self.items[id]


@external
@view
def status(id: bytes32) -> (uint8, Status):
    return self.items[id].lane, self.items[id].status
