"""What a network's nodes say of fees: no tip below the least that its pools take, which a local node does not know."""

from __future__ import annotations

from typing import Any

ADVICE = frozenset(("eth_maxPriorityFeePerGas", "eth_gasPrice", "eth_feeHistory"))


def advised(method: str, answer: Any, *, base_fee: int, min_tip: int) -> Any:
    """A node's answer to one of ADVICE as the network's own would have it; `base_fee` is that of its head. All in wei.

    Whoever follows it is not refused. Empty blocks, which a network with a least tip hardly has, show it as well.
    """
    if method == "eth_feeHistory":
        rewards = answer.get("reward") if isinstance(answer, dict) else None
        if not isinstance(rewards, list):
            return answer
        return {**answer, "reward": [[_at_least(tip, min_tip) for tip in tips] for tips in rewards]}
    return _at_least(answer, min_tip if method == "eth_maxPriorityFeePerGas" else base_fee + min_tip)


def _at_least(answer: Any, least: int) -> Any:
    return hex(max(int(answer, 16), least)) if isinstance(answer, str) else answer
