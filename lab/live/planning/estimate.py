"""What a deployment costs, as a budget: gas at today's fees, the L1 data fee, the margin, dollars by dated prices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lab.live.declaration.deployment_file import Deployment
from lab.live.planning.plan import NetworkPlan
from lab.model.chain.prices import prices


@dataclass(frozen=True, slots=True)
class Cost:
    """One network. Amounts in wei; `budget` is what the deployer must have, `usd` that in dollars of `price_date`.

    A token of a test network has no price. `problem`: why there is no estimate.
    """

    network: str
    token: str
    steps: tuple[str, ...]
    gas: int
    gas_price: int
    l1_fee: int
    cost: int
    budget: int
    usd: float | None
    price_date: str | None
    problem: str | None = None


def estimate_costs(deployment: Deployment, plans: Sequence[NetworkPlan]) -> list[Cost]:
    """One for each plan. What is there already costs nothing more; what a deployer has does not matter."""
    return [_cost(plan, deployment.file.margin) for plan in plans]


def _cost(plan: NetworkPlan, margin: float) -> Cost:
    budget, token = plan.needed(margin), prices().tokens.get(plan.token)
    known = token is not None and not plan.testnet
    # What keeps a plan from being carried out is no problem of its price, unless there is none.
    unknown = plan.cost == 0 and (not plan.exists or bool(plan.steps))
    return Cost(
        network=plan.network,
        token=plan.token,
        steps=tuple(plan.steps),
        gas=plan.gas,
        gas_price=plan.gas_price,
        l1_fee=plan.l1_fee,
        cost=plan.cost,
        budget=budget,
        usd=budget / 10**18 * token.usd if known and token is not None and not unknown else None,
        price_date=token.date if known and token is not None else None,
        problem="; ".join(plan.problems) or "nothing could be estimated" if unknown else None,
    )
