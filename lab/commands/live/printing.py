"""How the commands of `lab live` show plans, outcomes and networks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from lab.live.execution.deploy import Outcome
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.estimate import Cost
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
    if network.problem is not None:
        print(f"{network.network}: unknown: {f'{network.address}: ' if network.address else ''}{network.problem}")
    else:
        state = "; ".join(network.differences) or "as declared"
        print(f"{network.network}: {network.kind}: {network.address}: {state}")
    if network.paid_wei:
        print(f"  {format_paid(network)}")
    for name, said in network.services.items():
        print(f"  {name}: {said}")
    for doubt in network.doubts:
        print(f"  no live evidence: {doubt}")


def format_paid(network: NetworkEvidence) -> str:
    """What the steps cost, against the estimate."""
    budget, paid = int(network.budget_wei), network.paid_wei
    planned = f", {paid / budget:.0%} of the {budget / 10**18:.6g} planned with the margin" if budget else ""
    return f"paid for {len(network.transactions)} steps: {paid / 10**18:.6g}{planned} (in the network's token)"


def format_costs(costs: Sequence[Cost]) -> str:
    """A line for each network, and the sum in dollars."""
    lines = []
    for cost in costs:
        if cost.problem is not None:
            lines.append(f"{cost.network}: PROBLEM: {cost.problem}")
            continue
        l1_fee = f" + {amount(cost.l1_fee, cost.token)} L1 data" if cost.l1_fee else ""
        usd = f", {cost.usd:.2f} USD at the price of {cost.price_date}" if cost.usd is not None else ""
        parts = f"{cost.gas} gas at {cost.gas_price / 1e9:.4g} gwei{l1_fee}"
        budget = f"the deployer must have {amount(cost.budget, cost.token)}{usd}"
        lines.append(f"{cost.network}: {amount(cost.cost, cost.token)} ({parts}), {budget}")
    if any(cost.usd is not None for cost in costs):
        lines.append(f"budget of the mainnets: {sum(cost.usd or 0 for cost in costs):.2f} USD")
    return "\n".join(lines)
