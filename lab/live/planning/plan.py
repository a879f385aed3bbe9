"""What a deployment would do and cost, and what stands in its way; nothing is sent.

Gas of the creation is the nodes' own estimate. The calls after it cannot be estimated before there is a contract: each
counts with `CALL_GAS`, more than any of them takes of the reference contract.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from lab.coordinator.accounts import created_address
from lab.errors import LabError
from lab.live.declaration.deployment_file import Deployment, Target
from lab.live.declaration.owner import SafeOwner
from lab.live.journaling.undertaking import Undertaking
from lab.live.planning.fees import current_fees, data_fee, estimated_gas, highest_offer
from lab.live.planning.identity import is_local, unfit_accounts
from lab.live.planning.steps import DEPLOY, read_standing, steps_after_creation
from lab.model.chain.prices import prices
from lab.rpc import Rpc
from lab.safe.account import SafeReader, deviations

CALL_GAS = 120_000
# Bytes of a signed call beside its data: envelope, fees and signature.
ENVELOPE_BYTES = 120


@dataclass(slots=True)
class NetworkPlan:
    """One network as it was found. Amounts in wei; `problems` keep the deployment from being sent.

    `at_once` is the most that the deployer must have at any step: what the ones before it cost, and what a node wants
    to be there for it, which is its gas at the highest price that it offers.
    """

    network: str
    chain_id: int
    testnet: bool
    token: str
    balance: int = 0
    nonce: int = 0
    address: str | None = None
    exists: bool = False
    steps: list[str] = field(default_factory=list)
    gas: int = 0
    gas_price: int = 0
    l1_fee: int = 0
    cost: int = 0
    at_once: int = 0
    cost_usd: float | None = None
    price_date: str | None = None
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def needed(self, margin: float) -> int:
        """What the deployer must have: the cost times the margin, and no less than what nodes want to be there."""
        return max(int(self.cost * margin), self.at_once)


def make_plan(work: Undertaking, targets: Sequence[Target], today: datetime.date) -> list[NetworkPlan]:
    """One plan for each network, in the file's order; a network that cannot be read has a problem."""
    plans = []
    for target in targets:
        profile = target.profile
        plan = NetworkPlan(target.name, profile.chain_id, profile.testnet, profile.native_token)
        plans.append(plan)
        try:
            _fill(plan, work, target, today)
        except LabError as error:
            plan.problems.append(str(error))
    _compare_addresses(work, plans)
    return plans


def _fill(plan: NetworkPlan, work: Undertaking, target: Target, today: datetime.date) -> None:
    connection, deployer = work.connect(target), work.deployer
    rpc = connection.rpc
    plan.balance, plan.nonce = rpc.balance(deployer), rpc.nonce(deployer)
    created = work.journal.last(target.name, DEPLOY, "mined")
    attempts = work.journal.under_way(target.name, DEPLOY)
    plan.address = attempts[-1].address if attempts else created_address(deployer, plan.nonce)
    plan.exists = created is not None and _code(rpc, plan.address) != "0x"
    base, tip = current_fees(rpc, target)
    plan.gas_price = base + tip
    signed = [] if plan.exists else attempts[-1:]
    offered = max([highest_offer(base, tip, target), *(entry.max_fee_per_gas for entry in signed)])
    if target.max_fee_wei is not None and plan.gas_price > target.max_fee_wei:
        plan.problems.append(
            f"a unit of gas costs {plan.gas_price / 1e9:.4g} gwei, max_fee_gwei allows {target.max_fee_gwei:g}"
        )
    if attempts and attempts[-1].nonce < plan.nonce and not any(rpc.receipt(entry.tx) for entry in attempts):
        plan.notes.append(
            f"nonce {attempts[-1].nonce} of the signed creation was used by another transaction of {deployer}, or the "
            f"endpoint lags: it has no receipt of {attempts[-1].tx}. Deploy looks for one, else gives it up and stops; "
            "run again, it creates the contract at another address"
        )
    owner = _estimate(plan, work, target, rpc, fresh=not attempts, offered=offered)
    if owner == target.owner != deployer:
        plan.notes.append(f"{owner} is owner")
    else:
        _check_owner(plan, work, target, rpc)
    if unfit := unfit_accounts(_accounts(deployer, target)):
        (plan.notes if is_local(rpc, target) else plan.problems).extend(unfit)
    _check_balance(plan, work.deployment, deployer)
    _add_price(plan, work.deployment, today)
    plan.notes += [
        f"endpoint {report.label} is {report.state}: {report.reason}"
        for report in connection.transport.reports()
        if report.state != "in use"
    ]


def _estimate(
    plan: NetworkPlan, work: Undertaking, target: Target, rpc: Rpc, *, fresh: bool, offered: int
) -> str | None:
    """Adds steps and cost; who owns the contract, None where there is none yet."""
    standing = None
    if plan.exists:
        standing = read_standing(work, target, rpc, plan.address or "")
    else:
        code = work.contract.bytecode
        plan.steps.append(DEPLOY)
        _check_creation(plan, rpc, work.deployer, fresh=fresh)
        if plan.problems:
            # What would be estimated is something else than what is meant.
            return None
        gas = estimated_gas(rpc, target, {"from": work.deployer, "data": code})
        data = bytes.fromhex(code.removeprefix("0x"))
        _add(plan, offered, gas, data_fee(rpc, target, data + bytes(ENVELOPE_BYTES)))
    if calls := sum(not call.first for call in work.codec.names.set_up):
        plan.notes.append(f"set_up of lab.yaml ({calls} calls) is for runs of the lab: nothing of it is called here")
    steps = steps_after_creation(work.codec, work.deployment, target, work.deployer, standing)
    plan.steps += [step.name for step in steps]
    for step in steps:
        data = bytes.fromhex((step.data or "")[2:])
        _add(plan, offered, CALL_GAS, data_fee(rpc, target, data + bytes(ENVELOPE_BYTES)))
    return None if standing is None else standing.owner


def _add(plan: NetworkPlan, offered: int, gas: int, l1_fee: int) -> None:
    """One more transaction; `offered` is the highest price of a unit of gas that it names, in wei."""
    plan.at_once = max(plan.at_once, plan.cost + gas * offered + l1_fee)
    plan.gas, plan.l1_fee = plan.gas + gas, plan.l1_fee + l1_fee
    plan.cost = plan.gas * plan.gas_price + plan.l1_fee


def _check_creation(plan: NetworkPlan, rpc: Rpc, deployer: str, *, fresh: bool) -> None:
    pending = rpc.nonce(deployer, "pending")
    if fresh and pending != plan.nonce:
        plan.problems.append(
            f"{deployer} has {pending - plan.nonce} transactions pending that are not of this journal: wait for them"
        )
    if fresh and _code(rpc, plan.address or "") != "0x":
        plan.problems.append(
            f"there is code already at {plan.address}, where the contract would go: use another deployer"
        )


def _check_owner(plan: NetworkPlan, work: Undertaking, target: Target, rpc: Rpc) -> None:
    if target.owner == work.deployer:
        plan.notes.append("the deployer stays owner, as declared")
    elif not work.codec.has("propose_owner"):
        plan.problems.append(
            f"the contract has no hand-over (propose_owner, accept_ownership): {work.deployer} stays its owner, "
            f"the file declares {target.owner}: deploy with that account, or declare the deployer"
        )
    elif target.safe is None:
        plan.notes.append(f"{target.owner} becomes owner once it calls accept_ownership")
    else:
        _check_safe(plan, target.safe, rpc)


def _check_safe(plan: NetworkPlan, safe: SafeOwner, rpc: Rpc) -> None:
    state = SafeReader(rpc, safe.address).state()
    plan.problems += deviations(state, safe.threshold, safe.owners)
    if doubt := state.doubts(plan.chain_id):
        plan.notes.append(f"Safe {state.address}: {doubt}")
    plan.notes.append(
        f"Safe {state.address} ({state.version}) becomes owner once it calls accept_ownership: `lab safe propose "
        f"accept_ownership --only {plan.network}`; {state.threshold} of these must sign: {', '.join(state.owners)}"
    )


def _accounts(deployer: str, target: Target) -> dict[str, str]:
    owners = {"owner": target.owner} if target.safe is None else {}
    signers = () if target.safe is None else target.safe.owners
    owners |= {f"owner {number} of the Safe": address for number, address in enumerate(signers, 1)}
    operators = {f"operator {number}": address for number, address in enumerate(target.operators, 1)}
    return {"deployer": deployer, **owners, **operators}


def _check_balance(plan: NetworkPlan, deployment: Deployment, deployer: str) -> None:
    margin = deployment.file.margin
    needed, with_margin = plan.needed(margin), int(plan.cost * margin)
    if plan.balance < needed:
        why = f"{margin:g} times {amount(plan.cost, plan.token)}"
        if needed > with_margin:
            why = "a node wants a transaction's gas at the highest price that it offers to be there"
        plan.problems.append(
            f"{deployer} has {amount(plan.balance, plan.token)}, expected {amount(needed, plan.token)} ({why}): fund it"
        )


def _add_price(plan: NetworkPlan, deployment: Deployment, today: datetime.date) -> None:
    if plan.testnet:
        return
    token = prices().tokens.get(plan.token)
    if token is None:
        return
    plan.cost_usd, plan.price_date = plan.cost / 10**18 * token.usd, token.date
    age = (today - datetime.date.fromisoformat(token.date)).days
    if age > deployment.file.price_age_days_max:
        plan.problems.append(
            f"the price of {plan.token} is of {token.date}, {age} days old, price_age_days_max allows "
            f"{deployment.file.price_age_days_max}: raise it if the figure in dollars does not matter"
        )


def _compare_addresses(work: Undertaking, plans: Sequence[NetworkPlan]) -> None:
    """With those of networks that were left out of this command, too: the journal knows where the contract is there."""
    nonces = {plan.network: plan.nonce for plan in plans if plan.address is not None}
    addresses = {plan.network: plan.address for plan in plans if plan.address is not None}
    for target in work.deployment.targets:
        if target.name not in addresses and (attempts := work.journal.under_way(target.name, DEPLOY)):
            nonces[target.name], addresses[target.name] = attempts[-1].nonce, attempts[-1].address or ""
    if work.deployment.file.same_address and len(set(addresses.values())) > 1:
        listed = ", ".join(f"{name} {nonce}" for name, nonce in nonces.items())
        text = (
            f"the contract would not have one address on all networks: the deployer's nonces are {listed}; use a fresh "
            "account, or say same_address: false"
        )
        for plan in plans:
            if not plan.exists:
                plan.problems.append(text)


def _code(rpc: Rpc, address: str | None) -> str:
    return str(rpc.call("eth_getCode", address, "latest"))


def amount(wei: int, token: str) -> str:
    """`0.0123 ETH`."""
    return f"{wei / 10**18:.6g} {token}"
