# pragma version ~=0.4.3
"""
@title Settlement hub
@license MIT
@notice A correct coordinator with names, events, reasons and functions of its own: roles by hash, a breaker, groups of
        legs that are completed together, commitments to payloads, and a journal that every call writes (about 27,000
        gas beyond what the work itself costs).
@dev A leg that is settled past its window ends LAPSED by that very call; there is no other way to end one.
     The breaker counts lapsed legs, until a leg becomes ready or somebody resumes.
"""

event LegSubmitted:
    leg_id: indexed(bytes32)
    source: indexed(address)
    destination: indexed(address)
    due: uint256


event LegReady:
    leg_id: indexed(bytes32)


event LegFailed:
    leg_id: indexed(bytes32)
    reason: String[100]


event LegCompleted:
    leg_id: indexed(bytes32)
    completed_by: indexed(address)


event RoleGranted:
    role: indexed(bytes32)
    account: indexed(address)
    sender: indexed(address)


event RoleRevoked:
    role: indexed(bytes32)
    account: indexed(address)
    sender: indexed(address)


event WindowConfigured:
    previous: uint256
    current: uint256


event CircuitBreakerConfigured:
    previous: uint256
    current: uint256


event CircuitBreakerTripped:
    failures: uint256


event Halted:
    caller: indexed(address)
    reason: String[100]


event Resumed:
    caller: indexed(address)


event GroupCreated:
    group_id: indexed(bytes32)
    size: uint256


event GroupCompleted:
    group_id: indexed(bytes32)


event Committed:
    leg_id: indexed(bytes32)
    commitment: bytes32


event Revealed:
    leg_id: indexed(bytes32)


flag Phase:
    UNKNOWN
    SUBMITTED
    SETTLED
    COMPLETED
    LAPSED


struct Leg:
    source: address
    destination: address
    data: Bytes[512]
    parent: bytes32
    due: uint256
    phase: Phase


OPERATOR_ROLE: public(constant(bytes32)) = keccak256("OPERATOR_ROLE")
GUARDIAN_ROLE: public(constant(bytes32)) = keccak256("GUARDIAN_ROLE")
GROUP_MAX: constant(uint256) = 8

admin: public(address)
hasRole: public(HashMap[bytes32, HashMap[address, bool]])
legs: public(HashMap[bytes32, Leg])
legs_submitted: public(uint256)
settlement_window: public(uint256)
halted: public(bool)
circuit_breaker_threshold: public(uint256)
consecutive_failures: public(uint256)
groups: HashMap[bytes32, DynArray[bytes32, GROUP_MAX]]
commitments: public(HashMap[bytes32, bytes32])
journal: HashMap[uint256, bytes32]
journal_length: public(uint256)


@deploy
def __init__():
    self.admin = msg.sender
    self.settlement_window = 30
    self.circuit_breaker_threshold = 40
    self._grant(OPERATOR_ROLE, msg.sender)
    self._grant(GUARDIAN_ROLE, msg.sender)


@internal
def _grant(role: bytes32, account: address):
    self.hasRole[role][account] = True
    log RoleGranted(role=role, account=account, sender=msg.sender)


@internal
def _write_journal(leg_id: bytes32):
    self.journal[self.journal_length] = keccak256(concat(leg_id, convert(msg.sender, bytes32)))
    self.journal_length += 1


@internal
@view
def _require_operator():
    assert self.hasRole[OPERATOR_ROLE][msg.sender], "Not authorized"
    assert not self.halted, "Hub is halted"


@external
def grantRole(role: bytes32, account: address):
    assert msg.sender == self.admin, "AccessControl: account is missing role"
    assert account != empty(address), "AccessControl: no account"
    assert not self.hasRole[role][account], "AccessControl: account has role"
    self._grant(role, account)


@external
def revokeRole(role: bytes32, account: address):
    assert msg.sender == self.admin, "AccessControl: account is missing role"
    assert self.hasRole[role][account], "AccessControl: account has no role"
    self.hasRole[role][account] = False
    log RoleRevoked(role=role, account=account, sender=msg.sender)


@external
def configure_window(seconds: uint256):
    assert msg.sender == self.admin, "Only owner can set window"
    assert seconds >= 5 and seconds <= 300, "Window must be between 5 and 300 seconds"
    assert seconds != self.settlement_window, "Window unchanged"
    log WindowConfigured(previous=self.settlement_window, current=seconds)
    self.settlement_window = seconds


@external
def configure_circuit_breaker(threshold: uint256):
    assert msg.sender == self.admin, "Only owner: circuit breaker"
    assert threshold != self.circuit_breaker_threshold, "Threshold unchanged"
    log CircuitBreakerConfigured(previous=self.circuit_breaker_threshold, current=threshold)
    self.circuit_breaker_threshold = threshold


@external
def emergency_pause():
    assert self.hasRole[GUARDIAN_ROLE][msg.sender], "Only owner and guardians can halt"
    assert not self.halted, "Hub is halted"
    self.halted = True
    log Halted(caller=msg.sender, reason="Halted by hand")


@external
def emergency_resume():
    assert msg.sender == self.admin, "Only owner can resume"
    assert self.halted, "Hub is not halted"
    self.halted = False
    self.consecutive_failures = 0
    log Resumed(caller=msg.sender)


@external
def submit_leg(
    leg_id: bytes32, source: address, destination: address, data: Bytes[512], parent: bytes32, due: uint256
):
    self._require_operator()
    self._write_journal(leg_id)
    assert leg_id != empty(bytes32), "Invalid transaction ID"
    assert source != empty(address), "Invalid origin rollup"
    assert destination != empty(address), "Invalid target rollup"
    assert source != destination, "Origin and target must be different"
    assert due >= block.timestamp, "Timestamp cannot be in the past"
    assert self.legs[leg_id].phase == empty(Phase), "Transaction already exists"
    assert due < 2**128, "Due date too far away"
    self.legs[leg_id] = Leg(
        source=source, destination=destination, data=data, parent=parent, due=due, phase=Phase.SUBMITTED
    )
    self.legs_submitted += 1
    log LegSubmitted(leg_id=leg_id, source=source, destination=destination, due=due)


@external
def settle_leg(leg_id: bytes32):
    self._require_operator()
    self._write_journal(leg_id)
    assert self.legs[leg_id].phase == Phase.SUBMITTED, "Transaction not in buffered state"
    due: uint256 = self.legs[leg_id].due
    if block.timestamp > due + self.settlement_window:
        self._lapse(leg_id)
        return
    if block.timestamp < due or not self._parent_met(self.legs[leg_id].parent):
        log LegFailed(leg_id=leg_id, reason="Dependencies not satisfied")
        return
    self.legs[leg_id].phase = Phase.SETTLED
    self.consecutive_failures = 0
    log LegReady(leg_id=leg_id)


@external
def complete_leg(leg_id: bytes32):
    self._require_operator()
    self._write_journal(leg_id)
    self._complete(leg_id)


@internal
@view
def _parent_met(parent: bytes32) -> bool:
    return parent == empty(bytes32) or self.legs[parent].phase in (Phase.SETTLED | Phase.COMPLETED)


@internal
def _complete(leg_id: bytes32):
    assert self.legs[leg_id].phase == Phase.SETTLED, "Transaction not ready"
    self.legs[leg_id].phase = Phase.COMPLETED
    log LegCompleted(leg_id=leg_id, completed_by=msg.sender)


@internal
def _lapse(leg_id: bytes32):
    self.legs[leg_id].phase = Phase.LAPSED
    log LegFailed(leg_id=leg_id, reason="Transaction expired")
    self.consecutive_failures += 1
    if self.circuit_breaker_threshold != 0 and self.consecutive_failures >= self.circuit_breaker_threshold:
        self.halted = True
        log CircuitBreakerTripped(failures=self.consecutive_failures)
        log Halted(caller=msg.sender, reason="Too many legs lapsed")


@external
def create_group(group_id: bytes32, leg_ids: DynArray[bytes32, GROUP_MAX]):
    self._require_operator()
    self._write_journal(group_id)
    assert len(leg_ids) > 1, "A group needs two legs"
    assert len(self.groups[group_id]) == 0, "Group exists"
    self.groups[group_id] = leg_ids
    log GroupCreated(group_id=group_id, size=len(leg_ids))


@external
def complete_group(group_id: bytes32):
    self._require_operator()
    self._write_journal(group_id)
    assert len(self.groups[group_id]) > 0, "Unknown group"
    for leg_id: bytes32 in self.groups[group_id]:
        self._complete(leg_id)
    log GroupCompleted(group_id=group_id)


@external
def commit(leg_id: bytes32, commitment: bytes32):
    self._require_operator()
    assert self.legs[leg_id].phase == Phase.SUBMITTED, "Transaction not in buffered state"
    assert self.commitments[leg_id] == empty(bytes32), "Already committed"
    self.commitments[leg_id] = commitment
    log Committed(leg_id=leg_id, commitment=commitment)


@external
def reveal(leg_id: bytes32, secret: bytes32):
    self._require_operator()
    assert self.commitments[leg_id] == keccak256(secret), "Secret does not match"
    self.commitments[leg_id] = empty(bytes32)
    log Revealed(leg_id=leg_id)


@external
@view
def leg_is_ready(leg_id: bytes32) -> bool:
    return self.legs[leg_id].phase == Phase.SETTLED and block.timestamp >= self.legs[leg_id].due


@external
@view
def leg_state(leg_id: bytes32) -> Phase:
    return self.legs[leg_id].phase


@external
@view
def leg_details(leg_id: bytes32) -> (address, address, bytes32, uint256, Phase):
    leg: Leg = self.legs[leg_id]
    return leg.source, leg.destination, leg.parent, leg.due, leg.phase


@external
@view
def group_legs(group_id: bytes32) -> DynArray[bytes32, GROUP_MAX]:
    return self.groups[group_id]
