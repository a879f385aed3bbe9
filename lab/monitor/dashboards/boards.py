"""The six dashboards: one description of every panel, drawn by Grafana and asked again by the tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from lab.monitor.alerting.alerts import P, Thresholds

Unit = Literal["short", "s", "percentunit", "wei", "currencyUSD", "reqps", "bool"]
C = 'chain=~"$chain"'
# Counters of a deployment may stand still for hours, so panels show what was added in ten minutes, or all.
SPAN = "10m"


@dataclass(frozen=True, slots=True)
class Query:
    """One line of a panel. `legend` takes labels as `{{chain}}`."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `threshold` is the value from which on it is drawn red; `alert` the alert that it belongs to."""

    title: str
    description: str
    unit: Unit
    queries: tuple[Query, ...]
    threshold: float | None = None
    alert: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard. `row` is the row of the checklist that it serves."""

    uid: str
    title: str
    row: str
    panels: tuple[Panel, ...]


def _by_chain(expr: str) -> tuple[Query, ...]:
    return (Query(expr, "{{chain}}"),)


def _transactions(limits: Thresholds) -> tuple[Panel, ...]:
    failed = f'sum by (chain) (increase({P}transactions_failed_total{{{C},reason=~"expired|execution"}}[{SPAN}]))'
    buffered = f'sum by (chain) (increase({P}events_total{{{C},event="TransactionBuffered"}}[{SPAN}]))'
    return (
        Panel(
            "Transactions by state",
            "What the contract holds now.",
            "short",
            (Query(f"sum by (chain, state) ({P}transactions{{{C}}})", "{{chain}} {{state}}"),),
        ),
        Panel(
            "Failed share",
            "Failed and expired ones among those buffered in ten minutes.",
            "percentunit",
            _by_chain(f"{failed} / clamp_min({buffered}, 1)"),
            limits.failed_share_max,
            "TransactionsFailing",
        ),
        Panel(
            "Failures by reason",
            "TransactionFailed events in final blocks since the deployment.",
            "short",
            (Query(f"sum by (chain, reason) ({P}transactions_failed_total{{{C}}})", "{{chain}} {{reason}}"),),
        ),
        Panel(
            "Overdue",
            "Past their window and not ended.",
            "short",
            _by_chain(f"{P}legs_overdue{{{C}}}"),
            1,
            "LegsOverdue",
        ),
        Panel(
            "Events",
            "Events of the contract in final blocks since the deployment, each counted once.",
            "short",
            (Query(f"sum by (chain, event) ({P}events_total{{{C}}})", "{{chain}} {{event}}"),),
        ),
    )


def _networks(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        Panel("Up", "1 while the chain can be read.", "bool", _by_chain(f"{P}chain_up{{{C}}}"), None, "ChainDown"),
        Panel("Head", "Number of the newest block.", "short", _by_chain(f"{P}chain_head_block{{{C}}}")),
        Panel(
            "Age of the head",
            "How long ago the newest block was made.",
            "s",
            _by_chain(f"time() - {P}chain_head_timestamp_seconds{{{C}}}"),
            limits.stalled_s_max,
            "ChainStalled",
        ),
        Panel("Base fee", "Of the newest block.", "wei", _by_chain(f"{P}chain_base_fee_wei{{{C}}}")),
        Panel(
            "Base fee, times the typical one",
            "The newest block's by the network's typical one.",
            "short",
            _by_chain(f"{P}chain_base_fee_wei{{{C}}} / {P}chain_base_fee_typical_wei{{{C}}}"),
            limits.base_fee_factor_max,
            "BaseFeeHigh",
        ),
        Panel("Reorgs", "Since monitoring began.", "short", _by_chain(f"{P}chain_reorgs_total{{{C}}}")),
    )


def _performance(limits: Thresholds) -> tuple[Panel, ...]:
    pair = 'origin=~"$chain"'
    p95 = f"sum by (origin, target, le) (increase({P}cross_chain_seconds_bucket{{{pair}}}[{SPAN}]))"
    return (
        Panel(
            "Cross-chain time, 95%",
            "From the parent's READY to the child's execution, in ten minutes.",
            "s",
            (Query(f"histogram_quantile(0.95, {p95})", "{{origin}} to {{target}}"),),
            None,
            "CrossChainSlow",
        ),
        Panel(
            "Legs that crossed",
            "How many were executed after a parent on the other chain.",
            "short",
            (Query(f"{P}cross_chain_seconds_count{{{pair}}}", "{{origin}} to {{target}}"),),
        ),
        Panel(
            "Synchronisation lag",
            "Longest wait of a due leg whose parent is READY.",
            "s",
            (Query(f"{P}sync_lag_seconds{{{pair}}}", "{{origin}} to {{target}}"),),
            None,
            "CrossChainStuck",
        ),
        Panel(
            "Stages, mean",
            "From buffering to READY and to execution.",
            "s",
            (
                Query(
                    f"{P}leg_stage_seconds_sum{{{C}}} / clamp_min({P}leg_stage_seconds_count{{{C}}}, 1)",
                    "{{chain}} {{stage}}",
                ),
            ),
        ),
        Panel(
            "Relayer's oldest job",
            "Age of the oldest transaction under way.",
            "s",
            (Query(f"{P}relayer_oldest_intent_seconds", "oldest"),),
            limits.oldest_intent_s_max,
            "RelayerBacklog",
        ),
        Panel(
            "Relayer's queue",
            "Jobs under way.",
            "short",
            (Query(f"sum by (chain) ({P}relayer_queue_length{{{C}}})", "{{chain}}"),),
        ),
    )


def _security(limits: Thresholds) -> tuple[Panel, ...]:
    refused = f"sum by (chain, function) ({P}unauthorized_calls_total{{{C}}}) > 0"
    return (
        Panel(
            "Unauthorised calls",
            "Refused for want of a role, since the deployment.",
            "short",
            (Query(refused, "{{chain}} {{function}}"),),
            1,
            "UnauthorizedCalls",
        ),
        Panel(
            "Contract code",
            "1 while the code is the one seen first.",
            "bool",
            _by_chain(f"{P}contract_code_matches{{{C}}}"),
            None,
            "ContractCodeChanged",
        ),
        Panel(
            "Owner",
            "1 while the owner is the declared one.",
            "bool",
            _by_chain(f"{P}contract_owner_matches{{{C}}}"),
            None,
            "OwnerChanged",
        ),
        Panel(
            "Emergency stop",
            "1 while the contract is paused.",
            "bool",
            _by_chain(f"{P}contract_paused{{{C}}}"),
            1,
            "ContractPaused",
        ),
        Panel("Circuit breaker", "Failures counted.", "short", _by_chain(f"{P}contract_failures{{{C}}}")),
    )


def _operators(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        Panel(
            "Operators",
            "Addresses that may call the operator functions.",
            "bool",
            (Query(f"{P}operator_authorized{{{C}}} == 1", "{{chain}} {{role}} {{address}}"),),
        ),
        Panel(
            "Undeclared operators",
            "Operators that the session does not declare.",
            "short",
            _by_chain(f"{P}operators_undeclared{{{C}}}"),
            1,
            "UndeclaredOperator",
        ),
        Panel(
            "Calls",
            "Transactions to the contract since the deployment.",
            "short",
            (
                Query(
                    f"sum by (chain, function, outcome) ({P}calls_total{{{C}}}) > 0",
                    "{{chain}} {{function}} {{outcome}}",
                ),
            ),
        ),
        Panel("Relayer", "1 while it is alive.", "bool", (Query(f"{P}relayer_up", "relayer"),), None, "RelayerDown"),
        Panel(
            "Maintenance",
            "1 while maintenance is announced.",
            "bool",
            (Query(f"{P}maintenance", "maintenance"),),
            None,
            "Maintenance",
        ),
    )


def _cost(limits: Thresholds) -> tuple[Panel, ...]:
    return (
        Panel(
            "Fees paid",
            "Execution fees of transactions to the contract since the deployment.",
            "wei",
            (Query(f"sum by (chain) ({P}call_cost_wei_total{{{C}}})", "{{chain}}"),),
        ),
        Panel(
            "Fees paid, dollars",
            "The same at the lab's dated token prices.",
            "currencyUSD",
            (Query(f"sum by (chain) ({P}call_cost_usd_total{{{C}}})", "{{chain}}"),),
        ),
        Panel(
            "Fee of a call, mean",
            "By function.",
            "wei",
            (
                Query(
                    f"sum by (chain, function) ({P}call_cost_wei_total{{{C}}}) / "
                    f"(sum by (chain, function) ({P}calls_total{{{C}}}) > 0)",
                    "{{chain}} {{function}}",
                ),
            ),
        ),
        Panel(
            "Balances",
            "Of the accounts that send.",
            "wei",
            (Query(f"{P}account_balance_wei{{{C}}}", "{{chain}} {{role}}"),),
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
