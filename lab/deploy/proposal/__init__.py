"""Proposes a `lab.yaml` for a contract: what it calls the lab's functions, events, roles and reverts, each with why.

The contract is tried out on a node where there is one, which shows what each function does whatever its name. What the
trial leaves open, and all of it without a node, is told by names and types. Only what is sure is an entry: the rest is
written as comments with its candidates.
"""

from __future__ import annotations

from lab.deploy.compiled import CompiledContract
from lab.deploy.proposal.line import Line, written
from lab.deploy.proposal.static import static_lines
from lab.deploy.proposal.tried import NotTried, try_out
from lab.rpc import Rpc, RpcFailure
from lab.yamlsource import scalar


def propose(contract: CompiledContract, shown: str, source: str = "", rpc: Rpc | None = None) -> str:
    """The text of a project file for a contract that stands at `shown`; `rpc` is a fresh node that mines on demand."""
    tried: list[Line] | None = None
    used: set[str] = set()
    how = "its ABI: it was not tried out"
    if rpc is not None:
        try:
            tried, used = try_out(contract, source, rpc)
            how = "trials on a node of its own"
        except (NotTried, RpcFailure) as reason:
            how += f", since {reason}"
    lines = [*(tried or ()), *static_lines(contract, source, tried, used)]
    head = [
        f"# Proposed from {how}. Each line says why.",
        "# What is not sure is a comment: take the # away from what is right. `lab contract` says what does not fit.",
        f"contract: {scalar(shown)}",
    ]
    return "\n".join([*head, *written(lines)]) + "\n"
