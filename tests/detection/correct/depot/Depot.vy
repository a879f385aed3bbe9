# pragma version ~=0.4.3
"""
@title Depot
@notice A correct coordinator with bounds: 96 bytes of payload, three blocks between buffering and resolve, one day ahead,
        one parcel for each account and block. Roles by hash, a second one for leaving; a breaker whose count and flag
        are private to it; opened by set-up.
"""
flag Stage:
    WAITING
    CLEARED
    LEFT
    LAPSED

struct Parcel:
    due: uint64
    stage: Stage
    source: address
    sink: address
    needs: bytes32
    block_in: uint256
    body: Bytes[96]

event Deposited:
    source: indexed(address)
    parcel: indexed(bytes32)
    sink: address
    due: uint256
    number: uint256

event Cleared:
    parcel: indexed(bytes32)
    at: uint256

event Held:
    parcel: indexed(bytes32)
    why: String[32]

event Left:
    parcel: indexed(bytes32)

event Shut:
    by: indexed(address)
    why: String[32]

event Opened:
    by: indexed(address)

event Nominated:
    chief: indexed(address)
    heir: indexed(address)

event Succeeded:
    former: indexed(address)
    chief: indexed(address)

CLERK: public(constant(bytes32)) = keccak256("CLERK")
CARRIER: public(constant(bytes32)) = keccak256("CARRIER")

chief: public(address)
heir: public(address)
roles: HashMap[address, HashMap[bytes32, bool]]
parcels: HashMap[bytes32, Parcel]
count: public(uint256)
patience: public(uint256)
shut: public(bool)
inaugurated: public(bool)
last_block: HashMap[address, uint256]
lapses: uint256
first_lapse: uint256
MOST: immutable(uint256)


@deploy
def __init__(chief: address, patience: uint256, most: uint256):
    assert patience >= 5 and patience <= 300, "Depot: patience"
    self.chief = chief
    self.patience = patience
    MOST = most


@external
def inaugurate(motto: String[32]):
    assert msg.sender == self.chief, "Depot: chief only"
    assert not self.inaugurated, "Depot: open already"
    assert len(motto) > 0, "Depot: motto"
    self.inaugurated = True


@external
def grantRole(role: bytes32, account: address):
    assert msg.sender == self.chief, "Depot: chief only"
    self.roles[account][role] = True


@external
def revokeRole(role: bytes32, account: address):
    assert msg.sender == self.chief, "Depot: chief only"
    self.roles[account][role] = False


@external
@view
def hasRole(role: bytes32, account: address) -> bool:
    return self.roles[account][role]


@external
def set_patience(patience: uint256):
    assert msg.sender == self.chief, "Depot: chief only"
    assert patience >= 5 and patience <= 300, "Depot: patience"
    self.patience = patience


@external
def shutter(why: String[32]):
    assert msg.sender == self.chief, "Depot: chief only"
    assert not self.shut, "Depot: shut"
    self.shut = True
    log Shut(by=msg.sender, why=why)


@external
def reopen():
    assert msg.sender == self.chief, "Depot: chief only"
    assert self.shut, "Depot: not shut"
    self.shut = False
    self.lapses = 0
    log Opened(by=msg.sender)


@external
def nominate(heir: address):
    assert msg.sender == self.chief, "Depot: chief only"
    self.heir = heir
    log Nominated(chief=msg.sender, heir=heir)


@external
def succeed():
    assert msg.sender == self.heir and msg.sender != empty(address), "Depot: not the heir"
    log Succeeded(former=self.chief, chief=msg.sender)
    self.chief = msg.sender
    self.heir = empty(address)


@internal
@view
def _may(role: bytes32):
    assert self.roles[msg.sender][role], "Depot: no role"
    assert self.inaugurated, "Depot: not open yet"
    assert not self.shut, "Depot: shut"


@external
def deposit_parcel(due: uint64, parcel: bytes32, needs: bytes32, source: address, sink: address, fragile: bool, body: Bytes[96]):
    self._may(CLERK)
    assert parcel != empty(bytes32), "Depot: no parcel"
    assert source != empty(address), "Depot: no source"
    assert sink != empty(address), "Depot: no sink"
    assert source != sink, "Depot: stays here"
    at: uint256 = convert(due, uint256)
    assert at >= block.timestamp, "Depot: past"
    assert at <= block.timestamp + 86400, "Depot: too far ahead"
    assert self.parcels[parcel].stage == empty(Stage), "Depot: parcel known"
    assert self.last_block[msg.sender] < block.number, "Depot: one in a block"
    self.last_block[msg.sender] = block.number
    self.parcels[parcel] = Parcel(due=due, stage=Stage.WAITING, source=source, sink=sink, needs=needs, block_in=block.number, body=body)
    self.count += 1
    log Deposited(source=source, parcel=parcel, sink=sink, due=at, number=self.count)


@external
def clear(parcel: bytes32):
    self._may(CLERK)
    found: Parcel = self.parcels[parcel]
    assert found.stage == Stage.WAITING, "Depot: not waiting"
    assert block.number >= found.block_in + 3, "Depot: come later"
    due: uint256 = convert(found.due, uint256)
    if block.timestamp > due + self.patience:
        self.parcels[parcel].stage = Stage.LAPSED
        log Held(parcel=parcel, why="lapsed")
        self._lapse()
        return
    met: bool = found.needs == empty(bytes32) or self.parcels[found.needs].stage in (Stage.CLEARED | Stage.LEFT)
    if block.timestamp < due or not met:
        log Held(parcel=parcel, why="not yet")
        return
    self.parcels[parcel].stage = Stage.CLEARED
    log Cleared(parcel=parcel, at=block.timestamp)


@internal
def _lapse():
    if self.lapses == 0 or block.timestamp >= self.first_lapse + 600:
        self.lapses = 0
        self.first_lapse = block.timestamp
    self.lapses += 1
    if self.lapses >= MOST:
        self.shut = True
        log Shut(by=self, why="too many lapsed")


@external
def leave(parcel: bytes32):
    self._may(CARRIER)
    assert self.parcels[parcel].stage == Stage.CLEARED, "Depot: not cleared"
    self.parcels[parcel].stage = Stage.LEFT
    log Left(parcel=parcel)


@external
@view
def cleared(parcel: bytes32) -> bool:
    return self.parcels[parcel].stage == Stage.CLEARED and block.timestamp >= convert(self.parcels[parcel].due, uint256)


@external
@view
def stage(parcel: bytes32) -> Stage:
    return self.parcels[parcel].stage


@external
@view
def look(parcel: bytes32) -> Parcel:
    return self.parcels[parcel]
