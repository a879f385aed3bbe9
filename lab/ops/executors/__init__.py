"""Who carries a plan's calls out: one protocol. A signer sends them, `calldata` writes them down for somebody else."""

from lab.ops.executors.call import Call, Executor, Outcome, Result
from lab.ops.executors.calldata import CalldataExecutor
from lab.ops.executors.signer import SignerExecutor

__all__ = ["Call", "CalldataExecutor", "Executor", "Outcome", "Result", "SignerExecutor"]
