# pragma version 0.4.3
"""
@title Lane
@license MIT
@notice A correct coordinator with a role for each step, guardians who may only stop it, a switch for what comes in, and a
        struct of its own order. What is late anybody may end.
"""

event Queued:
    key: indexed(bytes32)
    src: indexed(address)
    dst: indexed(address)
    due: uint256

event Cleared:
    key: indexed(bytes32)

event Rejected:
    key: indexed(bytes32)
    why: String[100]

event Done:
    key: indexed(bytes32)
    by: indexed(address)

event RoleSet:
    role: indexed(uint8)
    account: indexed(address)
    on: bool

event WindowSet:
    seconds: uint256

event Halt:
    by: indexed(address)
    why: String[100]

event Unhalt:
    by: indexed(address)

event IntakeSet:
    open: bool

event OwnershipTransferStarted:
    previous: indexed(address)
    pending: indexed(address)

event OwnershipTransferred:
    previous: indexed(address)
    current: indexed(address)

struct Item:
    src: address
    dst: address
    due: uint64
    status: uint8
    parent: bytes32
    body: Bytes[512]

ABSENT: constant(uint8) = 0
QUEUED: constant(uint8) = 1
CLEARED: constant(uint8) = 2
DONE: constant(uint8) = 3
LAPSED: constant(uint8) = 4
SEQUENCER: constant(uint8) = 1
RESOLVER: constant(uint8) = 2
EXECUTOR: constant(uint8) = 3
GUARDIAN: constant(uint8) = 4

owner: public(address)
pending_owner: public(address)
roles: HashMap[uint8, HashMap[address, bool]]
items: HashMap[bytes32, Item]
queued_total: public(uint256)
window: public(uint256)
halted: public(bool)
intake_closed: public(bool)


@deploy
def __init__():
    self.owner = msg.sender
    self.window = 30
    self._set(SEQUENCER, msg.sender, True)
    self._set(RESOLVER, msg.sender, True)
    self._set(EXECUTOR, msg.sender, True)


@internal
def _set(role: uint8, account: address, on: bool):
    self.roles[role][account] = on
    log RoleSet(role=role, account=account, on=on)


@internal
@view
def _only_owner():
    assert msg.sender == self.owner, "Lane: not the owner"


@internal
@view
def _only(role: uint8):
    assert self.roles[role][msg.sender], "Lane: no role"
    assert not self.halted, "Lane: halted"


@external
def add_sequencer(account: address):
    self._only_owner()
    self._set(SEQUENCER, account, True)


@external
def remove_sequencer(account: address):
    self._only_owner()
    self._set(SEQUENCER, account, False)


@external
def add_resolver(account: address):
    self._only_owner()
    self._set(RESOLVER, account, True)


@external
def remove_resolver(account: address):
    self._only_owner()
    self._set(RESOLVER, account, False)


@external
def add_executor(account: address):
    self._only_owner()
    self._set(EXECUTOR, account, True)


@external
def remove_executor(account: address):
    self._only_owner()
    self._set(EXECUTOR, account, False)


@external
def set_guardian(account: address, on: bool):
    self._only_owner()
    self._set(GUARDIAN, account, on)


@external
@view
def is_sequencer(account: address) -> bool:
    return self.roles[SEQUENCER][account]


@external
@view
def is_executor(account: address) -> bool:
    return self.roles[EXECUTOR][account]


@external
def set_window(seconds: uint256):
    self._only_owner()
    assert seconds >= 5 and seconds <= 300, "Lane: window out of range"
    self.window = seconds
    log WindowSet(seconds=seconds)


@external
def halt():
    assert msg.sender == self.owner or self.roles[GUARDIAN][msg.sender], "Lane: not the owner"
    assert not self.halted, "Lane: halted"
    self.halted = True
    log Halt(by=msg.sender, why="halt")


@external
def unhalt():
    self._only_owner()
    assert self.halted, "Lane: not halted"
    self.halted = False
    log Unhalt(by=msg.sender)


@external
def set_intake(open: bool):
    self._only_owner()
    self.intake_closed = not open
    log IntakeSet(open=open)


@external
def transfer_ownership(to: address):
    self._only_owner()
    self.pending_owner = to
    log OwnershipTransferStarted(previous=self.owner, pending=to)


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "Lane: not the pending owner"
    previous: address = self.owner
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous=previous, current=msg.sender)


@external
def queue(key: bytes32, due: uint256, src: address, dst: address, parent: bytes32, body: Bytes[512]):
    self._only(SEQUENCER)
    assert not self.intake_closed, "Lane: intake closed"
    assert key != empty(bytes32), "Lane: zero key"
    assert src != empty(address), "Lane: zero source"
    assert dst != empty(address), "Lane: zero destination"
    assert src != dst, "Lane: same rollup"
    assert due >= block.timestamp, "Lane: past"
    assert due < 2**48, "Lane: too far"
    assert self.items[key].status == ABSENT, "Lane: key taken"
    self.items[key] = Item(src=src, dst=dst, due=convert(due, uint64), status=QUEUED, parent=parent, body=body)
    self.queued_total += 1
    log Queued(key=key, src=src, dst=dst, due=due)


@internal
@view
def _parent_ok(parent: bytes32) -> bool:
    if parent == empty(bytes32):
        return True
    status: uint8 = self.items[parent].status
    return status == CLEARED or status == DONE


@internal
@view
def _late(key: bytes32) -> bool:
    return block.timestamp > convert(self.items[key].due, uint256) + self.window


@internal
def _lapse(key: bytes32):
    self.items[key].status = LAPSED
    log Rejected(key=key, why="lapsed")


@external
def clear(key: bytes32):
    self._only(RESOLVER)
    assert self.items[key].status == QUEUED, "Lane: not queued"
    if self._late(key):
        self._lapse(key)
    elif block.timestamp < convert(self.items[key].due, uint256) or not self._parent_ok(self.items[key].parent):
        log Rejected(key=key, why="not yet")
    else:
        self.items[key].status = CLEARED
        log Cleared(key=key)


# lab: accept[unguarded-write] only time decides, so anybody may say so
@external
def lapse(key: bytes32):
    assert not self.halted, "Lane: halted"
    assert self.items[key].status == QUEUED, "Lane: not late"
    assert self._late(key), "Lane: not late"
    self._lapse(key)


@external
def finish(key: bytes32):
    self._only(EXECUTOR)
    assert self.items[key].status == CLEARED, "Lane: not cleared"
    self.items[key].status = DONE
    log Done(key=key, by=msg.sender)


@external
@view
def is_cleared(key: bytes32) -> bool:
    return self.items[key].status == CLEARED and block.timestamp >= convert(self.items[key].due, uint256)


@external
@view
def status_of(key: bytes32) -> uint8:
    return self.items[key].status


@external
@view
def item(key: bytes32) -> Item:
    return self.items[key]
