# pragma version 0.4.3
"""
@title Vault
@license MIT
@notice A correct coordinator that keeps a transaction in three words: rollups of 160 bits with state and time beside
        them, and refuses by custom errors with data instead of texts. Times are 64 bits long, as in the structs that it
        returns.
"""

event Put:
    slot: indexed(bytes32)
    a: indexed(address)
    b: indexed(address)
    time: uint64
    nonce: uint64

event Due:
    slot: indexed(bytes32)
    nonce: uint64

event NotDue:
    slot: indexed(bytes32)
    code: String[100]
    nonce: uint64

event Spent:
    slot: indexed(bytes32)
    nonce: uint64

event Keeper:
    who: indexed(address)
    on: bool

struct View:
    time: uint64
    changed: uint64
    state: uint8
    a: address
    b: address
    after: bytes32

STATE: constant(uint256) = 2**160
TIME: constant(uint256) = 2**168
MASK: constant(uint256) = 2**160 - 1

owner: public(address)
heir: address
keepers: HashMap[address, bool]
first: HashMap[bytes32, uint256]  # origin, state, time
second: HashMap[bytes32, uint256]  # target, time of the last change
parent: HashMap[bytes32, bytes32]
body: HashMap[bytes32, Bytes[512]]
settings: uint256  # 64 bits count, 64 bits window, 1 bit stop
nonce: uint64


@deploy
def __init__():
    self.owner = msg.sender
    self.keepers[msg.sender] = True
    self.settings = 30 << 64


@internal
@pure
def _refuse(selector: bytes4, what: bytes32):
    raw_revert(concat(selector, what))


@internal
@view
def _owner():
    if msg.sender != self.owner:
        self._refuse(method_id("NotOwner(bytes32)", output_type=bytes4), convert(msg.sender, bytes32))


@internal
@view
def _keeper():
    if not self.keepers[msg.sender]:
        self._refuse(method_id("NotKeeper(bytes32)", output_type=bytes4), convert(msg.sender, bytes32))
    if self.settings >> 128 & 1 == 1:
        self._refuse(method_id("Stopped(bytes32)", output_type=bytes4), empty(bytes32))


@internal
def _next() -> uint64:
    self.nonce += 1
    return self.nonce


@external
def hire(who: address):
    self._owner()
    self.keepers[who] = True
    log Keeper(who=who, on=True)


@external
def fire(who: address):
    self._owner()
    self.keepers[who] = False
    log Keeper(who=who, on=False)


@external
@view
def keeper(who: address) -> bool:
    return self.keepers[who]


@external
def set_window(window: uint64):
    self._owner()
    if window < 5 or window > 300:
        self._refuse(method_id("BadWindow(bytes32)", output_type=bytes4), convert(convert(window, uint256), bytes32))
    self.settings = self.settings & ~(convert(max_value(uint64), uint256) << 64) | convert(window, uint256) << 64


@external
@view
def window() -> uint64:
    return convert(self.settings >> 64 & convert(max_value(uint64), uint256), uint64)


@external
@view
def count() -> uint64:
    return convert(self.settings & convert(max_value(uint64), uint256), uint64)


@external
def stop():
    self._owner()
    if self.settings >> 128 & 1 == 1:
        self._refuse(method_id("Stopped(bytes32)", output_type=bytes4), empty(bytes32))
    self.settings |= 1 << 128


@external
def go():
    self._owner()
    if self.settings >> 128 & 1 == 0:
        self._refuse(method_id("Running(bytes32)", output_type=bytes4), empty(bytes32))
    self.settings &= ~(1 << 128)


@external
@view
def stopped() -> bool:
    return self.settings >> 128 & 1 == 1


@external
def bequeath(heir: address):
    self._owner()
    self.heir = heir


@external
def inherit():
    if msg.sender != self.heir:
        self._refuse(method_id("NotHeir(bytes32)", output_type=bytes4), convert(msg.sender, bytes32))
    self.owner = msg.sender
    self.heir = empty(address)


@internal
@view
def _state(slot: bytes32) -> uint256:
    return self.first[slot] >> 160 & 255


@internal
@view
def _time(slot: bytes32) -> uint256:
    return self.first[slot] >> 168 & convert(max_value(uint64), uint256)


@internal
def _move(slot: bytes32, state: uint256):
    self.first[slot] = self.first[slot] & ~(255 << 160) | state << 160
    self.second[slot] = self.second[slot] & MASK | block.timestamp << 160


@external
def put(slot: bytes32, a: address, b: address, body: Bytes[512], after: bytes32, time: uint64):
    self._keeper()
    if slot == empty(bytes32):
        self._refuse(method_id("NoSlot(bytes32)", output_type=bytes4), slot)
    if a == empty(address):
        self._refuse(method_id("NoOrigin(bytes32)", output_type=bytes4), slot)
    if b == empty(address):
        self._refuse(method_id("NoTarget(bytes32)", output_type=bytes4), slot)
    if a == b:
        self._refuse(method_id("OneRollup(bytes32)", output_type=bytes4), convert(a, bytes32))
    if convert(time, uint256) < block.timestamp:
        self._refuse(method_id("Past(bytes32)", output_type=bytes4), convert(convert(time, uint256), bytes32))
    if self.first[slot] != 0:
        self._refuse(method_id("Taken(bytes32)", output_type=bytes4), slot)
    self.first[slot] = convert(a, uint256) | 1 << 160 | convert(time, uint256) << 168
    self.second[slot] = convert(b, uint256) | block.timestamp << 160
    self.parent[slot] = after
    self.body[slot] = body
    self.settings += 1
    log Put(slot=slot, a=a, b=b, time=time, nonce=self._next())


@external
def due(slot: bytes32):
    self._keeper()
    if self._state(slot) != 1:
        self._refuse(method_id("NotBuffered(bytes32)", output_type=bytes4), slot)
    window: uint256 = self.settings >> 64 & convert(max_value(uint64), uint256)
    after: bytes32 = self.parent[slot]
    if block.timestamp > self._time(slot) + window:
        self._move(slot, 4)
        log NotDue(slot=slot, code="Transaction expired", nonce=self._next())
    elif block.timestamp < self._time(slot):
        log NotDue(slot=slot, code="Dependencies not satisfied", nonce=self._next())
    elif after != empty(bytes32) and not self._state(after) in [2, 3]:
        log NotDue(slot=slot, code="Dependencies not satisfied", nonce=self._next())
    else:
        self._move(slot, 2)
        log Due(slot=slot, nonce=self._next())


@external
def spend(slot: bytes32):
    self._keeper()
    if self._state(slot) != 2:
        self._refuse(method_id("NotDue(bytes32)", output_type=bytes4), slot)
    self._move(slot, 3)
    log Spent(slot=slot, nonce=self._next())


@external
@view
def is_due(slot: bytes32) -> bool:
    return self._state(slot) == 2 and block.timestamp >= self._time(slot)


@external
@view
def state(slot: bytes32) -> uint8:
    return convert(self._state(slot), uint8)


@external
@view
def look(slot: bytes32) -> View:
    return View(
        time=convert(self._time(slot), uint64),
        changed=convert(self.second[slot] >> 160, uint64),
        state=convert(self._state(slot), uint8),
        a=convert(self.first[slot] & MASK, address),
        b=convert(self.second[slot] & MASK, address),
        after=self.parent[slot],
    )


@external
@view
def body_of(slot: bytes32) -> Bytes[512]:
    return self.body[slot]
