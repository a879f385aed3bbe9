# pragma version 0.4.3
"""
@title Re-entering Target
@license MIT
@author Tesseract Lab
@notice A target rollup that, told of an execution by a coordinator, executes the same transaction a second time from
        within the call. It succeeds only at a coordinator that calls before it stores. For the lab's tests.
"""

interface Coordinator:
    def mark_executed(tx_id: bytes32): nonpayable


_entered: bool
# @notice How often a transaction was executed as far as this target was told.
executions: public(uint256)


@external
def on_executed(tx_id: bytes32):
    """
    @notice Counts an execution, and tries to make the coordinator execute it once more.
    @param tx_id The transaction.
    """
    self.executions += 1
    if not self._entered:
        self._entered = True
        extcall Coordinator(msg.sender).mark_executed(tx_id)
