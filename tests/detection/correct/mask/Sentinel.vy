# pragma version 0.4.3
"""
@title Sentinel
@license MIT
@notice A correct coordinator whose roles are bits of one number for each account (curators open), and whose stop has levels: 0 running,
        1 nothing new comes in, 2 nothing but the end of what is late, 3 nothing. Guardians raise the level, only the owner
        lowers it.
"""

event Entered:
    source: indexed(address)
    id: indexed(bytes32)
    sink: indexed(address)
    at: uint256
    author: address

event Opened:
    id: indexed(bytes32)

event Missed:
    id: indexed(bytes32)
    why: String[100]

event Closed:
    id: indexed(bytes32)

event RolesChanged:
    account: indexed(address)
    before: uint256
    after: uint256

event LevelChanged:
    by: indexed(address)
    before: uint8
    after: uint8

event WindowChanged:
    window: uint256

flag Status:
    NEW
    OPEN
    CLOSED
    DEAD

OPERATOR: constant(uint256) = 1
GUARDIAN: constant(uint256) = 2
CURATOR: constant(uint256) = 4
ALL: constant(uint256) = 7

struct Entry:
    source: address
    sink: address
    parent: bytes32
    at: uint256
    status: Status

owner: public(address)
roles: public(HashMap[address, uint256])
level: public(uint8)
entries: HashMap[bytes32, Entry]
bodies: HashMap[bytes32, Bytes[512]]
entered: public(uint256)
window: public(uint256)


@deploy
def __init__():
    self.owner = msg.sender
    self.window = 30
    self._set(msg.sender, OPERATOR | CURATOR)


@internal
def _set(account: address, mask: uint256):
    log RolesChanged(account=account, before=self.roles[account], after=mask)
    self.roles[account] = mask


@internal
@view
def _only(level: uint8, role: uint256 = OPERATOR):
    assert self.roles[msg.sender] & role != 0, "S: role"
    assert self.level <= level, "S: stopped"


@external
def grant(account: address, mask: uint256):
    assert msg.sender == self.owner, "S: owner"
    assert mask != 0 and mask <= ALL, "S: mask"
    self._set(account, self.roles[account] | mask)


@external
def revoke(account: address, mask: uint256):
    assert msg.sender == self.owner, "S: owner"
    assert mask != 0 and mask <= ALL, "S: mask"
    self._set(account, self.roles[account] & ~mask)


@external
@view
def holds(account: address, mask: uint256) -> bool:
    return self.roles[account] & mask == mask


@external
def set_window(window: uint256):
    assert msg.sender == self.owner, "S: owner"
    assert window >= 5 and window <= 300, "S: window"
    self.window = window
    log WindowChanged(window=window)


@external
def set_level(level: uint8):
    if msg.sender != self.owner:
        assert self.roles[msg.sender] & GUARDIAN != 0, "S: guardian"
        assert level > self.level, "S: owner"
    assert level <= 3, "S: level"
    assert level != self.level, "S: same level"
    log LevelChanged(by=msg.sender, before=self.level, after=level)
    self.level = level


@external
def enter(id: bytes32, source: address, sink: address, body: Bytes[512], parent: bytes32, at: uint256):
    self._only(0)
    assert id != empty(bytes32), "S: id"
    assert source != empty(address), "S: source"
    assert sink != empty(address), "S: sink"
    assert source != sink, "S: same"
    assert at >= block.timestamp, "S: past"
    assert self.entries[id].source == empty(address), "S: taken"
    self.entries[id] = Entry(source=source, sink=sink, parent=parent, at=at, status=Status.NEW)
    self.bodies[id] = body
    self.entered += 1
    log Entered(source=source, id=id, sink=sink, at=at, author=msg.sender)


@internal
@view
def _late(id: bytes32) -> bool:
    at: uint256 = self.entries[id].at
    return block.timestamp > at and block.timestamp - at > self.window


@internal
@view
def _free(id: bytes32) -> bool:
    parent: bytes32 = self.entries[id].parent
    return parent == empty(bytes32) or self.entries[parent].status in (Status.OPEN | Status.CLOSED)


@internal
def _die(id: bytes32):
    self.entries[id].status = Status.DEAD
    log Missed(id=id, why="late")


@external
def open(id: bytes32):
    self._only(1, CURATOR)
    assert self.entries[id].status == Status.NEW, "S: not new"
    if self._late(id):
        self._die(id)
    elif block.timestamp < self.entries[id].at:
        log Missed(id=id, why="early")
    elif not self._free(id):
        log Missed(id=id, why="early")
    else:
        self.entries[id].status = Status.OPEN
        log Opened(id=id)


@external
def bury(id: bytes32):
    self._only(2)
    assert self.entries[id].status == Status.NEW and self._late(id), "S: not late"
    self._die(id)


@external
def close(id: bytes32):
    self._only(1)
    assert self.entries[id].status == Status.OPEN, "S: not open"
    self.entries[id].status = Status.CLOSED
    log Closed(id=id)


@external
@view
def is_open(id: bytes32) -> bool:
    return self.entries[id].status == Status.OPEN


@external
@view
def status_of(id: bytes32) -> Status:
    return self.entries[id].status


@external
@view
def entry(id: bytes32) -> (address, address, bytes32, uint256, Status):
    e: Entry = self.entries[id]
    return e.source, e.sink, e.parent, e.at, e.status


@external
@view
def body_of(id: bytes32) -> (Bytes[512], Status):
    return self.bodies[id], self.entries[id].status
