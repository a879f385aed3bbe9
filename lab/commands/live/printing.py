"""How the commands of `lab live` show plans, outcomes and networks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from lab.live.execution.deploy import Outcome
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.plan import NetworkPlan, amount
from lab.live.signers import Signer
from lab.model.live_evidence import NetworkEvidence


def print_plan(plans: Sequence[NetworkPlan], work: Undertaking, signer: Signer) -> None:
    """Each network with its cost, steps, notes and problems."""
    print(f"contract {work.contract.name} ({work.contract.compiler}), deployer {signer.address} ({signer.described})")
    for one in plans:
        usd = f", {one.cost_usd:.2f} USD at the price of {one.price_date}" if one.cost_usd is not None else ""
        print(f"\n{one.network} (chain {one.chain_id}{'' if one.testnet else ', mainnet'})")
        if one.address is not None:
            print(f"  contract   {one.address}{' (already deployed)' if one.exists else ''}")
            print(f"  deployer   {amount(one.balance, one.token)}, nonce {one.nonce}")
            l1_fee = f" + {amount(one.l1_fee, one.token)} L1 data" if one.l1_fee else ""
            print(
                f"  cost       {amount(one.cost, one.token)} "
                f"({one.gas} gas at {one.gas_price / 1e9:.4g} gwei{l1_fee}{usd})"
            )
            print(f"  steps      {', '.join(one.steps) or 'none: everything is as declared'}")
        for note in one.notes:
            print(f"  note       {note}")
        for problem in one.problems:
            print(f"  PROBLEM    {problem}")
    print()


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """What was done, and what is left."""
    for outcome in outcomes:
        if outcome.problem is not None:
            print(f"{outcome.network}: FAILED: {outcome.problem}")
        else:
            print(f"{outcome.network}: {outcome.address}, {len(outcome.done)} steps in final blocks")
        for end in outcome.open_ends:
            print(f"  left to do: {end}")


def print_network(network: NetworkEvidence) -> None:
    """How a network compares with the file."""
    state = network.problem or ("as declared" if not network.differences else "; ".join(network.differences))
    print(f"{network.network}: {network.kind}: {network.address or 'not deployed'}: {state}")
    for doubt in network.doubts:
        print(f"  no live evidence: {doubt}")
