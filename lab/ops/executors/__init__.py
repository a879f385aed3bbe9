"""Who carries a plan's calls out: one protocol. A signer sends them, `calldata` writes them down for somebody else.

A Safe has them proposed, signed by its owners, and then carried out.
"""

from lab.ops.executors.call import Call, Executor, Outcome, Result, left_to_others
from lab.ops.executors.calldata import CalldataExecutor
from lab.ops.executors.safe import SafeExecutor
from lab.ops.executors.signer import SignerExecutor

__all__ = [
    "Call",
    "CalldataExecutor",
    "Executor",
    "Outcome",
    "Result",
    "SafeExecutor",
    "SignerExecutor",
    "left_to_others",
]
