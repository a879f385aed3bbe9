# pragma version 0.4.3
"""
@title Two of Three
@license MIT
@author Tesseract Lab
@notice An account with three signers, two of whom must agree on every call that it makes. For the lab's drills: it shows
        that the coordinator can be owned by a contract.
"""

_NEEDED: constant(uint256) = 2


struct PendingCall:
    target: address
    data: Bytes[1024]
    confirmations: uint256
    executed: bool


# @notice Who may submit and confirm.
is_signer: public(HashMap[address, bool])
# @notice How many calls were ever submitted; their ids count from 0.
call_count: public(uint256)

_calls: HashMap[uint256, PendingCall]
_confirmed: HashMap[uint256, HashMap[address, bool]]


event Submitted:
    call_id: indexed(uint256)
    signer: indexed(address)


event Confirmed:
    call_id: indexed(uint256)
    signer: indexed(address)


event Executed:
    call_id: indexed(uint256)


@deploy
def __init__(signers: address[3]):
    """
    @notice Sets the signers, for good. Reverts: "Signers must differ", also for the zero address.
    @param signers Three different accounts.
    """
    for signer: address in signers:
        assert signer != empty(address) and not self.is_signer[signer], "Signers must differ"
        self.is_signer[signer] = True


@external
def submit(target: address, data: Bytes[1024]) -> uint256:
    """
    @notice Proposes a call; its proposer has confirmed it. Reverts: "Not a signer".
    @param target The contract to be called.
    @param data The call.
    @return The call's id.
    """
    assert self.is_signer[msg.sender], "Not a signer"
    call_id: uint256 = self.call_count
    self.call_count = call_id + 1
    self._calls[call_id] = PendingCall(target=target, data=data, confirmations=1, executed=False)
    self._confirmed[call_id][msg.sender] = True
    log Submitted(call_id=call_id, signer=msg.sender)
    return call_id


@external
def confirm(call_id: uint256):
    """
    @notice Agrees to a call. Reverts: "Not a signer", "Unknown call", "Confirmed already".
    @param call_id The call.
    """
    assert self.is_signer[msg.sender], "Not a signer"
    assert call_id < self.call_count, "Unknown call"
    assert not self._confirmed[call_id][msg.sender], "Confirmed already"
    self._confirmed[call_id][msg.sender] = True
    self._calls[call_id].confirmations += 1
    log Confirmed(call_id=call_id, signer=msg.sender)


@external
def execute(call_id: uint256):
    """
    @notice Makes a call that two signers agreed to, once; it reverts if the call does.
            Reverts: "Not a signer", "Executed already", "Not enough confirmations".
    @param call_id The call.
    """
    assert self.is_signer[msg.sender], "Not a signer"
    assert not self._calls[call_id].executed, "Executed already"
    assert self._calls[call_id].confirmations >= _NEEDED, "Not enough confirmations"
    self._calls[call_id].executed = True
    raw_call(self._calls[call_id].target, self._calls[call_id].data)
    log Executed(call_id=call_id)
