"""The six dashboards: one description of every panel, drawn by Grafana and asked again by the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab.monitor.alerting.alerts import P, Thresholds
from lab.monitor.alerting.slow_legs import EVALUATE_EVERY_S, SLOW_SHARE_MAX, slow_share

Unit = Literal["short", "s", "percentunit", "wei", "currencyUSD", "reqps", "bool"]
C = 'chain=~"$chain"'
# Counters of a deployment may stand still for hours, so panels show what was added in ten minutes, or all.
SPAN = "10m"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: the series of one expression. `legend` takes labels as `{{chain}}`.

    `threshold` is the value from which on it is drawn red, `good_from` the one below which it is; `alert` is the alert
    that it belongs to. Without an alert there is no limit; that of CrossChainStuck is another one for each series.
    """

    title: str
    description: str
    unit: Unit
    expr: str
    legend: str = "{{chain}}"
    threshold: float | None = None
    good_from: float | None = None
    alert: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `row` is the row of the checklist that it serves."""

    uid: str
    title: str
    row: str
    panels: tuple[Panel, ...]


def _held(title: str, what: str, expr: str, alert: str, legend: str = "{{chain}}") -> Panel:
    """What shall be so at all times, 1 while it is."""
    return Panel(title, f"1 while {what}.", "bool", expr, legend, good_from=1, alert=alert)


def _transactions(limits: Thresholds) -> tuple[Panel, ...]:
    failed = f'sum by (chain) (increase({P}transactions_failed_total{{{C},reason=~"expired|execution"}}[{SPAN}]))'
    buffered = f'sum by (chain) (increase({P}events_total{{{C},event="TransactionBuffered"}}[{SPAN}]))'
    return (
        Panel(
            "Transactions by state",
            "What the contract holds now.",
            "short",
            f"sum by (chain, state) ({P}transactions{{{C}}})",
            legend="{{chain}} {{state}}",
        ),
        Panel(
            "Failed share",
            "Failed and expired ones among those buffered in ten minutes.",
            "percentunit",
            f"{failed} / clamp_min({buffered}, 1)",
            threshold=limits.failed_share_max,
            alert="TransactionsFailing",
        ),
        Panel(
            "Failures by reason",
            "TransactionFailed events in final blocks since the deployment.",
            "short",
            f"sum by (chain, reason) ({P}transactions_failed_total{{{C}}})",
            legend="{{chain}} {{reason}}",
        ),
        Panel(
            "Overdue",
            "Past their window and not ended.",
            "short",
            f"{P}legs_overdue{{{C}}}",
            threshold=1,
            alert="LegsOverdue",
        ),
        Panel(
            "Events",
            "Events of the contract in final blocks since the deployment, each counted once.",
            "short",
            f"sum by (chain, event) ({P}events_total{{{C}}})",
            legend="{{chain}} {{event}}",
        ),
    )


def _networks(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        _held("Up", "the chain can be read", f"{P}chain_up{{{C}}}", "ChainDown"),
        Panel("Head", "Number of the newest block.", "short", f"{P}chain_head_block{{{C}}}"),
        Panel(
            "Age of the head",
            "How long ago the newest block was made.",
            "s",
            f"time() - {P}chain_head_timestamp_seconds{{{C}}}",
            threshold=limits.stalled_s_max,
            alert="ChainStalled",
        ),
        Panel("Base fee", "Of the newest block.", "wei", f"{P}chain_base_fee_wei{{{C}}}"),
        Panel(
            "Base fee, times the typical one",
            "The newest block's by the network's typical one.",
            "short",
            f"{P}chain_base_fee_wei{{{C}}} / {P}chain_base_fee_typical_wei{{{C}}}",
            threshold=limits.base_fee_factor_max,
            alert="BaseFeeHigh",
        ),
        Panel("Reorgs", "Since monitoring began.", "short", f"{P}chain_reorgs_total{{{C}}}"),
    )


def _performance(limits: Thresholds) -> tuple[Panel, ...]:
    pair = 'origin=~"$chain"'
    p95 = f"sum by (origin, target, le) (increase({P}cross_chain_seconds_bucket{{{pair}}}[{SPAN}]))"
    return (
        Panel(
            "Cross-chain time, 95%",
            "From the parent's READY to the child's execution, in ten minutes.",
            "s",
            f"histogram_quantile(0.95, {p95})",
            legend="{{origin}} to {{target}}",
        ),
        Panel(
            "Slow legs, share",
            f"Of ten minutes: slower than finality, three blocks and {limits.cross_chain_s_max:g} s.",
            "percentunit",
            slow_share(limits.cross_chain_s_max, SPAN, f"{EVALUATE_EVERY_S}s", pair),
            legend="{{origin}} to {{target}}",
            threshold=SLOW_SHARE_MAX,
            alert="CrossChainSlow",
        ),
        Panel(
            "Legs that crossed",
            "How many were executed after a parent on the other chain.",
            "short",
            f"{P}cross_chain_seconds_count{{{pair}}}",
            legend="{{origin}} to {{target}}",
        ),
        Panel(
            "Synchronisation lag",
            "Longest wait of a due leg whose parent is READY.",
            "s",
            f"{P}sync_lag_seconds{{{pair}}}",
            legend="{{origin}} to {{target}}",
            alert="CrossChainStuck",
        ),
        Panel(
            "Stages, mean",
            "From buffering to READY and to execution.",
            "s",
            f"{P}leg_stage_seconds_sum{{{C}}} / clamp_min({P}leg_stage_seconds_count{{{C}}}, 1)",
            legend="{{chain}} {{stage}}",
        ),
        Panel(
            "Relayer's oldest job",
            "Age of the oldest transaction under way.",
            "s",
            f"{P}relayer_oldest_intent_seconds",
            legend="oldest",
            threshold=limits.oldest_intent_s_max,
            alert="RelayerBacklog",
        ),
        Panel(
            "Longest wait at home",
            "Of a due transaction that a call would resolve or execute, its parent not elsewhere.",
            "s",
            f"{P}legs_waiting_seconds{{{C}}}",
            legend="{{chain}}",
            threshold=limits.oldest_intent_s_max,
            alert="RelayerBacklog",
        ),
        Panel("Relayer's queue", "Jobs under way.", "short", f"sum by (chain) ({P}relayer_queue_length{{{C}}})"),
    )


def _security(limits: Thresholds) -> tuple[Panel, ...]:
    refused = f"sum by (chain, function) ({P}unauthorized_calls_total{{{C}}}) > 0"
    return (
        Panel(
            "Unauthorised calls",
            "Refused for want of a role, since the deployment.",
            "short",
            refused,
            legend="{{chain}} {{function}}",
            threshold=1,
            alert="UnauthorizedCalls",
        ),
        _held(
            "Contract code",
            "the code is the one seen first",
            f"{P}contract_code_matches{{{C}}}",
            "ContractCodeChanged",
        ),
        _held("Owner", "the owner is the declared one", f"{P}contract_owner_matches{{{C}}}", "OwnerChanged"),
        Panel(
            "Emergency stop",
            "1 while the contract is paused.",
            "bool",
            f"{P}contract_paused{{{C}}}",
            threshold=1,
            alert="ContractPaused",
        ),
        Panel("Circuit breaker", "Failures counted.", "short", f"{P}contract_failures{{{C}}}"),
    )


def _operators(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        Panel(
            "Operators",
            "Addresses that may call the operator functions.",
            "bool",
            f"{P}operator_authorized{{{C}}} == 1",
            legend="{{chain}} {{role}} {{address}}",
        ),
        Panel(
            "Undeclared operators",
            "Operators that the session does not declare.",
            "short",
            f"{P}operators_undeclared{{{C}}}",
            threshold=1,
            alert="UndeclaredOperator",
        ),
        Panel(
            "Calls",
            "Transactions to the contract since the deployment.",
            "short",
            f"sum by (chain, function, outcome) ({P}calls_total{{{C}}}) > 0",
            legend="{{chain}} {{function}} {{outcome}}",
        ),
        _held("Relayer", "it is alive", f"{P}relayer_up", "RelayerDown", legend="relayer"),
        Panel(
            "Maintenance",
            "1 while maintenance is announced.",
            "bool",
            f"{P}maintenance",
            legend="maintenance",
            threshold=1,
            alert="Maintenance",
        ),
    )


def _cost(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        Panel(
            "Fees paid",
            "Execution fees of transactions to the contract since the deployment.",
            "wei",
            f"sum by (chain) ({P}call_cost_wei_total{{{C}}})",
        ),
        Panel(
            "Fees paid, dollars",
            "The same at the lab's dated token prices.",
            "currencyUSD",
            f"sum by (chain) ({P}call_cost_usd_total{{{C}}})",
        ),
        Panel(
            "Fee of a call, mean",
            "By function.",
            "wei",
            f"sum by (chain, function) ({P}call_cost_wei_total{{{C}}}) / "
            f"(sum by (chain, function) ({P}calls_total{{{C}}}) > 0)",
            legend="{{chain}} {{function}}",
        ),
        Panel(
            "Balances",
            "Of the accounts that send.",
            "wei",
            f"{P}account_balance_wei{{{C}}}",
            legend="{{chain}} {{role}}",
        ),
    )


_BOARDS: tuple[tuple[str, str, str, Callable[[Thresholds], tuple[Panel, ...]]], ...] = (
    ("transactions", "Transactions", "DSH-01", _transactions),
    ("networks", "Networks", "DSH-02", _networks),
    ("performance", "Performance", "DSH-03", _performance),
    ("security", "Security", "DSH-04", _security),
    ("operators", "Operators", "DSH-05", _operators),
    ("cost", "Cost", "DSH-06", _cost),
)


def boards(limits: Thresholds) -> list[Board]:
    """All dashboards, thresholds as given."""
    return [Board(uid, f"Tesseract: {title}", row, panels(limits)) for uid, title, row, panels in _BOARDS]
