# pragma version 0.4.3
"""
@title Two-step ownership
@license MIT
@author Tesseract Lab
@notice One owner, handed over in two steps: the owner proposes, the proposed account accepts.
@dev The owner may be a multi-signature account. A proposal to an account that cannot act is harmless: until it
     accepts, nothing has changed, and the owner can propose another account or withdraw with the zero address.
     snekmate's `ownable_2step` does the same and is better known, but it is licensed under AGPL-3.0-only: a copy of it
     here would put this MIT project, and every contract made from it, under that licence.
     The importing contract calls `__init__` in its constructor and exports the external functions.
"""


# @notice Account that may change the contract's configuration.
owner: public(address)

# @notice Account that may take the ownership over, or zero.
pending_owner: public(address)


event OwnershipProposed:
    current: indexed(address)
    pending: indexed(address)


event OwnershipTransferred:
    previous: indexed(address)
    current: indexed(address)


@deploy
def __init__():
    """
    @notice Makes the deployer the owner.
    """
    self.owner = msg.sender
    log OwnershipTransferred(previous=empty(address), current=msg.sender)


@external
def propose_owner(new_owner: address):
    """
    @notice Proposes a new owner. The current owner stays in charge until the proposed account accepts.
    @dev A later proposal replaces an earlier one. Reverts: "Only owner can propose owner".
    @param new_owner The account to hand over to, or the zero address to withdraw the proposal.
    """
    assert msg.sender == self.owner, "Only owner can propose owner"
    self.pending_owner = new_owner
    log OwnershipProposed(current=msg.sender, pending=new_owner)


@external
def accept_ownership():
    """
    @notice Completes the hand-over. The list of operators does not change with it.
    @dev Reverts: "Only pending owner can accept".
    """
    assert msg.sender == self.pending_owner, "Only pending owner can accept"
    previous: address = self.owner
    self.owner = msg.sender
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous=previous, current=msg.sender)
