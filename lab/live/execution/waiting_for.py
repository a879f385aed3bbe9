"""What a transaction that is in no final block waits for, and what helps: waiting longer helps in one case only."""

from __future__ import annotations

from lab.live.declaration.deployment_file import Target
from lab.live.journaling.journal import Entry
from lab.live.planning.fees import current_fees
from lab.rpc import Rpc, RpcFailure

GOES_ON = "run the command again, it goes on from here"


def why_waiting(rpc: Rpc, target: Target, sender: str, entry: Entry) -> str:
    """In words, for the end of a message."""
    try:
        if (rpc.receipt(entry.tx) or {}).get("blockNumber"):
            return f"its block is not final yet; {GOES_ON}"
        first = rpc.nonce(sender)
        if first < entry.nonce:
            return (
                f"it has nonce {entry.nonce}, and nonce {first} of {sender} is in no block: no later one can be before "
                "that is; send that one first, or whatever the account signed there, then this command goes on"
            )
        base, _ = current_fees(rpc, target)
    except RpcFailure as failure:
        return f"the node does not say why ({failure}); {GOES_ON}"
    if entry.max_fee_per_gas < base:
        limit = "" if target.max_fee_gwei is None else f" (max_fee_gwei is {target.max_fee_gwei:g})"
        return (
            f"it pays {entry.max_fee_per_gas / 1e9:.4g} gwei at most, a unit of gas costs {base / 1e9:.4g} gwei "
            f"now{limit}: raise the limit or wait until it costs less; {GOES_ON}"
        )
    return GOES_ON
