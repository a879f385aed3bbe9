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


entered: bool
# @notice How often a transaction was executed as far as this target was told.
executions: public(uint256)


@external
def on_executed(tx_id: bytes32):
    self.executions += 1
    if not self.entered:
        self.entered = True
        extcall Coordinator(msg.sender).mark_executed(tx_id)
