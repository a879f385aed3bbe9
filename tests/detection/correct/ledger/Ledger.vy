# pragma version 0.4.3
"""
@title Ledger
@license MIT
@notice A correct coordinator that has one event for all steps after the first, with the numbers of the states before and
        after it; the id is its second topic. Events carry the chain's id. Nothing else than the id is indexed at first.
"""

event Recorded:
    chain: indexed(uint256)
    id: indexed(bytes32)
    payload_hash: bytes32
    due: uint256
    destination: address
    source: address

event Moved:
    chain: indexed(uint256)
    id: indexed(bytes32)
    old: uint8
    new: uint8
    note: String[100]

event Admin:
    what: indexed(bytes32)
    account: address
    value: uint256

struct Line:
    source: address
    destination: address
    due: uint256
    state: uint8
    parent: bytes32
    note: String[32]
    body: Bytes[512]

admin: public(address)
next_admin: public(address)
clerks: public(HashMap[address, bool])
lines: HashMap[bytes32, Line]
total: public(uint256)
grace: public(uint256)
status: public(uint256)


@deploy
def __init__(grace: uint256):
    self.admin = msg.sender
    self.clerks[msg.sender] = True
    self.grace = grace


@internal
@view
def _admin():
    assert msg.sender == self.admin, "admin only"


@internal
@view
def _clerk():
    assert self.clerks[msg.sender], "clerks only"
    assert self.status == 0, "closed"


@external
def set_clerk(account: address, on: bool):
    self._admin()
    self.clerks[account] = on
    log Admin(what=keccak256("clerk"), account=account, value=convert(on, uint256))


@external
def set_grace(grace: uint256):
    self._admin()
    assert grace >= 5 and grace <= 300, "grace out of range"
    self.grace = grace
    log Admin(what=keccak256("grace"), account=empty(address), value=grace)


@external
def set_status(status: uint256):
    self._admin()
    assert status < 2, "no such status"
    self.status = status
    log Admin(what=keccak256("status"), account=msg.sender, value=status)


@external
def name_admin(account: address):
    self._admin()
    self.next_admin = account


@external
def take_over():
    assert msg.sender == self.next_admin, "not named"
    self.admin = msg.sender
    self.next_admin = empty(address)
    log Admin(what=keccak256("admin"), account=msg.sender, value=0)


@external
def record(body: Bytes[512], id: bytes32, parent: bytes32, source: address, destination: address, due: uint256):
    self._clerk()
    assert id != empty(bytes32), "no id"
    assert source != empty(address) and destination != empty(address), "no rollup"
    assert source != destination, "one rollup"
    assert due >= block.timestamp, "overdue"
    assert due <= block.timestamp + 365 * 86400, "too far"
    assert self.lines[id].state == 0, "known"
    self.lines[id] = Line(source=source, destination=destination, due=due, state=1, parent=parent, note="", body=body)
    self.total += 1
    log Recorded(chain=chain.id, id=id, payload_hash=keccak256(body), due=due, destination=destination, source=source)


@external
def settle(id: bytes32):
    self._clerk()
    line: Line = self.lines[id]
    assert line.state == 1, "not recorded"
    parent: uint8 = self.lines[line.parent].state
    if block.timestamp > line.due + self.grace:
        log Moved(chain=chain.id, id=id, old=1, new=1, note="Transaction expired")
    elif block.timestamp < line.due or (line.parent != empty(bytes32) and parent < 2):
        log Moved(chain=chain.id, id=id, old=1, new=1, note="Dependencies not satisfied")
    else:
        self.lines[id].state = 2
        log Moved(chain=chain.id, id=id, old=1, new=2, note="")


@external
def finish(id: bytes32):
    self._clerk()
    assert self.lines[id].state == 2, "not settled"
    self.lines[id].state = 3
    log Moved(chain=chain.id, id=id, old=2, new=3, note="")


@external
@view
def settled(id: bytes32) -> bool:
    return self.lines[id].state == 2


@external
@view
def line(id: bytes32) -> Line:
    return self.lines[id]


@external
@view
def state(id: bytes32) -> uint8:
    return self.lines[id].state
