# pragma version 0.4.3
"""
@title Application
@license MIT
@author Tesseract Lab
@notice An application that is an operator of a coordinator: its owner hands over several calls, and all of them are made
        in one transaction. For the lab's tests.
"""

_CALLS_MAX: constant(uint256) = 8
_DATA_MAX: constant(uint256) = 1024


# @notice The account that may hand over calls.
owner: public(address)


@deploy
def __init__():
    """
    @notice Makes the deployer the owner.
    """
    self.owner = msg.sender


@external
def run(coordinator: address, calls: DynArray[Bytes[_DATA_MAX], _CALLS_MAX]):
    """
    @notice Makes the calls in their order, all of them or none.
    @dev Reverts: "Not the owner", and as the first call that reverts does.
    @param coordinator The contract that is called.
    @param calls The data of each call.
    """
    assert msg.sender == self.owner, "Not the owner"
    for data: Bytes[_DATA_MAX] in calls:
        raw_call(coordinator, data)
