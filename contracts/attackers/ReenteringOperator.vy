# pragma version 0.4.3
"""
@title Re-entering Operator
@license MIT
@author Tesseract Lab
@notice An operator that makes any call twice: from within the first, whenever the coordinator calls it back by whatever
        function, and again right after the first in the same transaction. It counts what it got away with. For the
        lab's tests.
"""

_CALL_MAX: constant(uint256) = 2048

_victim: address
_data: Bytes[_CALL_MAX]
_outer: bool
_inner: bool

# @notice Whether the first call of the last attack succeeded.
first: public(bool)
# @notice How often the coordinator called back during the last attack.
callbacks: public(uint256)
# @notice How many of the calls made from within a callback succeeded.
nested: public(uint256)
# @notice Whether the same call right after the first succeeded, too.
second: public(bool)


@external
@payable
def __default__():
    """
    @notice Answers the coordinator's call, by whatever function, by calling it again, once.
    """
    if not self._outer or msg.sender != self._victim:
        return
    self.callbacks += 1
    if not self._inner:
        self._inner = True
        if raw_call(self._victim, self._data, revert_on_failure=False):
            self.nested += 1
        self._inner = False


@external
def attack(coordinator: address, data: Bytes[_CALL_MAX]):
    """
    @notice Calls the coordinator, and tries to make the same thing happen twice.
    @param coordinator The coordinator.
    @param data The call.
    """
    self._victim = coordinator
    self._data = data
    self.callbacks = 0
    self.nested = 0
    self._outer = True
    self.first = raw_call(coordinator, data, revert_on_failure=False)
    self._outer = False
    self.second = raw_call(coordinator, data, revert_on_failure=False)
