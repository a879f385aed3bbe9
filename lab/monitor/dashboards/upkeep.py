"""Panels of what is looked after: security, operators, cost."""

from __future__ import annotations

from lab.monitor.alerting.alerts import P
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.dashboards.panel import NONE, C, Limit, Panel, buffered, held

WEI = 10**18


def security(_: Thresholds) -> tuple[Panel, ...]:
    """Who called without a role, code, owner, stops."""
    refused = f"sum by (chain, function) ({P}unauthorized_calls_total{{{C}}}) > 0"
    return (
        Panel(
            "Unauthorised calls",
            "Refused for want of a role, since the deployment.",
            "short",
            refused,
            NONE,
            legend="{{chain}} {{function}}",
            alert="UnauthorizedCalls",
        ),
        held(
            "Contract code",
            "the code is the one seen first",
            f"{P}contract_code_matches{{{C}}}",
            "ContractCodeChanged",
        ),
        held("Owner", "the owner is the declared one", f"{P}contract_owner_matches{{{C}}}", "OwnerChanged"),
        Panel(
            "Emergency stop",
            "1 while the contract is paused.",
            "bool",
            f"{P}contract_paused{{{C}}}",
            NONE,
            alert="ContractPaused",
        ),
        Panel(
            "Circuit breaker",
            "Failures counted.",
            "short",
            f"{P}contract_failures{{{C}}}",
            Limit("the number at which the contract stops itself", expr=f"{P}contract_failures_limit{{{C}}} > 0"),
        ),
    )


def operators(limits: Thresholds) -> tuple[Panel, ...]:
    """Who may call, what was called, whether the relayer lives."""
    declared, others = (f'{P}operator_authorized{{{C},role{how}"undeclared"}} == 1' for how in ("!=", "="))
    calls = f"sum by (chain) ({P}calls_total{{{C}}})"
    return (
        Panel(
            "Operators",
            "Addresses that may call the operator functions: 1 for one that the session declares, 2 for any other.",
            "short",
            f"({declared}) or 2 * ({others})",
            Limit("declared ones only", 2),
            legend="{{chain}} {{role}} {{address}}",
            alert="UndeclaredOperator",
        ),
        Panel(
            "Undeclared operators",
            "Operators that the session does not declare.",
            "short",
            f"{P}operators_undeclared{{{C}}}",
            NONE,
            alert="UndeclaredOperator",
        ),
        Panel(
            "Calls",
            "Transactions to the contract since the deployment.",
            "short",
            f"sum by (chain, function, outcome) ({P}calls_total{{{C}}}) > 0",
            Limit(
                f"{100 * limits.failed_share_max:g}% of the chain's reverted (TEC-06 of the criteria)",
                expr=f"{limits.failed_share_max:g} * {calls}",
                legend="limit of reverted, {{chain}}",
            ),
            legend="{{chain}} {{function}} {{outcome}}",
        ),
        held("Relayer", "it is alive", f"{P}relayer_up", "RelayerDown", legend="relayer"),
        Panel(
            "Maintenance",
            "1 while maintenance is announced.",
            "bool",
            f"{P}maintenance",
            Limit("1: nobody hears of other alerts", 1),
            legend="maintenance",
            alert="Maintenance",
        ),
    )


def cost(limits: Thresholds) -> tuple[Panel, ...]:
    """Fees and balances."""
    dollars, dear = f"{limits.cost_usd_max:g}", f"${limits.cost_usd_max:g}"
    wei = f"{limits.cost_usd_max * WEI:g} / {P}token_price_usd{{{C}}}"
    open_ = f'sum by (chain) ({P}transactions{{{C},state=~"BUFFERED|READY"}})'
    per_life = f"{dear} for each transaction buffered (TEC-03 of the criteria)"
    return (
        Panel(
            "Fees paid",
            "Execution fees of transactions to the contract since the deployment.",
            "wei",
            f"sum by (chain) ({P}call_cost_wei_total{{{C}}})",
            Limit(f"{per_life}, at the lab's dated token prices", expr=f"{buffered()} * on (chain) ({wei})"),
        ),
        Panel(
            "Fees paid, dollars",
            "The same at the lab's dated token prices.",
            "currencyUSD",
            f"sum by (chain) ({P}call_cost_usd_total{{{C}}})",
            Limit(per_life, expr=f"{dollars} * {buffered()}"),
        ),
        Panel(
            "Fee of a call, mean",
            "By function.",
            "wei",
            f"sum by (chain, function) ({P}call_cost_wei_total{{{C}}}) / "
            f"(sum by (chain, function) ({P}calls_total{{{C}}}) > 0)",
            Limit(
                f"{dear}, for which all calls of a transaction are to be had (TEC-03 of the criteria)",
                expr=wei,
            ),
            legend="{{chain}} {{function}}",
        ),
        Panel(
            "Balances",
            "Of the accounts that send.",
            "wei",
            f"{P}account_balance_wei{{{C}}}",
            Limit(
                f"{dear} for each open transaction, and for one where none is (TEC-03 of the criteria)",
                expr=f"clamp_min({open_}, 1) * on (chain) ({wei})",
                good_above=True,
            ),
            legend="{{chain}} {{role}}",
        ),
    )
