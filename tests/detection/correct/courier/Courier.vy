# pragma version 0.4.3
"""
@title Courier
@license MIT
@notice A correct coordinator that gives and takes its roles by one function, tells states by hashes, and takes what it
        buffers in an order of its own with a channel and a flag beside it.
"""

event Submitted:
    channel: indexed(uint16)
    key: indexed(bytes32)
    sender: address
    recipient: address
    eta: uint64

event Confirmed:
    key: indexed(bytes32)
    attempt: uint256

event Bounced:
    key: indexed(bytes32)
    why: bytes32
    attempt: uint256

event Finalised:
    key: indexed(bytes32)

event RoleSet:
    role: indexed(bytes32)
    account: indexed(address)
    on: bool

struct Message:
    status: bytes32
    sender: address
    recipient: address
    after: bytes32
    eta: uint64
    attempts: uint256
    body: Bytes[512]

CLERK: constant(bytes32) = keccak256("CLERK")
FINALISER: constant(bytes32) = keccak256("FINALISER")
QUEUED: constant(bytes32) = keccak256("QUEUED")
CLEARED: constant(bytes32) = keccak256("CLEARED")
FINAL: constant(bytes32) = keccak256("FINAL")

governor: public(address)
roles: HashMap[bytes32, HashMap[address, bool]]
messages: HashMap[bytes32, Message]
submissions: public(uint64)
tolerance: public(uint32)
closed: public(bool)


@deploy
def __init__(tolerance: uint32):
    self.governor = msg.sender
    self.tolerance = tolerance
    self._set(CLERK, msg.sender, True)
    self._set(FINALISER, msg.sender, True)


@internal
def _set(role: bytes32, account: address, on: bool):
    self.roles[role][account] = on
    log RoleSet(role=role, account=account, on=on)


@internal
@view
def _governor():
    assert msg.sender == self.governor, "Courier: governor only"


@internal
@view
def _only(role: bytes32):
    assert self.roles[role][msg.sender], "Courier: role"
    assert not self.closed, "Courier: closed"


@external
def set_role(role: bytes32, account: address, on: bool):
    self._governor()
    self._set(role, account, on)


@external
@view
def holds(account: address, role: bytes32) -> bool:
    return self.roles[role][account]


@external
def set_tolerance(seconds: uint32):
    self._governor()
    assert seconds >= 5 and seconds <= 300, "Courier: tolerance"
    self.tolerance = seconds


@external
def set_closed(closed: bool):
    self._governor()
    assert closed != self.closed, "Courier: as it is"
    self.closed = closed


@external
def submit_message(
    channel: uint16, eta: uint64, key: bytes32, after: bytes32, sender: address, recipient: address, body: Bytes[512], urgent: bool
):
    self._only(CLERK)
    assert channel == 3, "Courier: channel"
    assert not urgent, "Courier: nothing is urgent"
    assert key != empty(bytes32), "Courier: key"
    assert sender != empty(address), "Courier: sender"
    assert recipient != empty(address), "Courier: recipient"
    assert sender != recipient, "Courier: to itself"
    assert convert(eta, uint256) >= block.timestamp, "Courier: eta"
    assert self.messages[key].status == empty(bytes32), "Courier: key taken"
    self.messages[key] = Message(
        status=QUEUED, sender=sender, recipient=recipient, after=after, eta=eta, attempts=0, body=body
    )
    self.submissions += 1
    log Submitted(channel=channel, key=key, sender=sender, recipient=recipient, eta=eta)


@external
def confirm(key: bytes32):
    self._only(CLERK)
    assert self.messages[key].status == QUEUED, "Courier: not queued"
    self.messages[key].attempts += 1
    attempt: uint256 = self.messages[key].attempts
    eta: uint256 = convert(self.messages[key].eta, uint256)
    after: bytes32 = self.messages[key].after
    if block.timestamp > eta and block.timestamp - eta > convert(self.tolerance, uint256):
        log Bounced(key=key, why=convert(b"late", bytes32), attempt=attempt)
    elif block.timestamp < eta or (after != empty(bytes32) and not self.messages[after].status in [CLEARED, FINAL]):
        log Bounced(key=key, why=convert(b"wait", bytes32), attempt=attempt)
    else:
        self.messages[key].status = CLEARED
        log Confirmed(key=key, attempt=attempt)


@external
def finalise(key: bytes32):
    self._only(FINALISER)
    assert self.messages[key].status == CLEARED, "Courier: not cleared"
    self.messages[key].status = FINAL
    log Finalised(key=key)


@external
@view
def cleared(key: bytes32) -> bool:
    return self.messages[key].status == CLEARED


@external
@view
def status(key: bytes32) -> bytes32:
    return self.messages[key].status


@external
@view
def message(key: bytes32) -> Message:
    return self.messages[key]
