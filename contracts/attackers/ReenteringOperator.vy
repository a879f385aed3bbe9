# pragma version 0.4.3
"""
@title Re-entering Operator
@license MIT
@author Tesseract Lab
@notice An operator that makes any call twice: from within the first, whenever the coordinator calls it back by whatever
        function, and again right after the first in the same transaction. It counts what it got away with. For the
        lab's tests.
"""

CALL_MAX: constant(uint256) = 2048

victim: address
data: Bytes[CALL_MAX]
outer: bool
inner: bool

# @notice Whether the first call of the last attack succeeded.
first: public(bool)
# @notice How often the coordinator called back during the last attack.
callbacks: public(uint256)
# @notice How many of the calls made from within a callback succeeded.
nested: public(uint256)
# @notice Whether the same call right after the first succeeded, too.
second: public(bool)


@external
def attack(coordinator: address, data: Bytes[CALL_MAX]):
    """
    @notice Calls the coordinator, and tries to make the same thing happen twice.
    @param coordinator The coordinator.
    @param data The call.
    """
    self.victim = coordinator
    self.data = data
    self.callbacks = 0
    self.nested = 0
    self.outer = True
    self.first = raw_call(coordinator, data, revert_on_failure=False)
    self.outer = False
    self.second = raw_call(coordinator, data, revert_on_failure=False)


@external
@payable
def __default__():
    if not self.outer or msg.sender != self.victim:
        return
    self.callbacks += 1
    if not self.inner:
        self.inner = True
        if raw_call(self.victim, self.data, revert_on_failure=False):
            self.nested += 1
        self.inner = False
