"""Panels of what passes through: transactions, networks, performance."""

from __future__ import annotations

from lab.monitor.alerting.alerts import P
from lab.monitor.alerting.limits import STALLED_BLOCKS, Thresholds, allowed_s, stalled_s
from lab.monitor.alerting.slow_legs import EVALUATE_EVERY_S, SLOW_SHARE_MAX, slow_share
from lab.monitor.dashboards.panel import NONE, SPAN, C, Limit, Panel, buffered, held


def transactions(limits: Thresholds) -> tuple[Panel, ...]:
    """States, failures, events."""
    failed = f'sum by (chain) (increase({P}transactions_failed_total{{{C},reason=~"expired|execution"}}[{SPAN}]))'
    share, all_ = f"{limits.failed_share_max:g}", f"sum by (chain) ({P}transactions{{{C}}})"
    percent = f"{100 * limits.failed_share_max:g}%"
    return (
        Panel(
            "Transactions by state",
            "What the contract holds now.",
            "short",
            f"sum by (chain, state) ({P}transactions{{{C}}})",
            Limit(
                f"{percent} of them EXPIRED (TEC-06 of the criteria)",
                expr=f"{share} * {all_}",
                legend="limit of EXPIRED, {{chain}}",
            ),
            legend="{{chain}} {{state}}",
        ),
        Panel(
            "Failed share",
            "Failed and expired ones among those buffered in ten minutes.",
            "percentunit",
            f"{failed} / clamp_min({buffered(SPAN)}, 1)",
            Limit(f"{percent} (TEC-06 of the criteria)", limits.failed_share_max),
            alert="TransactionsFailing",
        ),
        Panel(
            "Failures by reason",
            "TransactionFailed events in final blocks since the deployment.",
            "short",
            f"sum by (chain, reason) ({P}transactions_failed_total{{{C}}})",
            Limit(
                f"{percent} of all buffered (TEC-06 of the criteria); other reasons end no transaction",
                expr=f"{share} * {buffered()}",
                legend="limit of expired and execution, {{chain}}",
            ),
            legend="{{chain}} {{reason}}",
        ),
        Panel(
            "Overdue",
            "Past their window and not ended.",
            "short",
            f"{P}legs_overdue{{{C}}}",
            NONE,
            alert="LegsOverdue",
        ),
        Panel(
            "Events",
            "Events of the contract in final blocks since the deployment, each counted once.",
            "short",
            f"sum by (chain, event) ({P}events_total{{{C}}})",
            Limit(
                "as many TransactionReady as TransactionBuffered, since none becomes READY twice",
                expr=buffered(),
                legend="limit of TransactionReady, {{chain}}",
            ),
            legend="{{chain}} {{event}}",
        ),
    )


def networks(limits: Thresholds) -> tuple[Panel, ...]:
    """Heads, base fees, reorgs."""
    by_chain, seconds = f"{{{C}}}", f"{limits.stalled_s_max:g} s"
    behind_s = f"(time() - {P}chain_head_timestamp_seconds{by_chain} - {limits.stalled_s_max / limits.speed:g})"
    expected = f"{behind_s} / {P}chain_block_time_seconds{by_chain} - {STALLED_BLOCKS}"
    typical = f"{limits.base_fee_factor_max:g} times the network's typical one, of its profile"
    return (
        held("Up", "the chain can be read", f"{P}chain_up{{{C}}}", "ChainDown"),
        Panel(
            "Head",
            "Number of the newest block.",
            "short",
            f"{P}chain_head_block{by_chain}",
            Limit(
                f"what the block time promises, less {seconds} and {STALLED_BLOCKS} blocks; none without empty blocks",
                expr=f"clamp_min({P}chain_head_block{by_chain} + {expected}, 0)",
                good_above=True,
            ),
            alert="ChainStalled",
        ),
        Panel(
            "Age of the head",
            "How long ago the newest block was made.",
            "s",
            f"time() - {P}chain_head_timestamp_seconds{by_chain}",
            Limit(
                f"{STALLED_BLOCKS} block times and {seconds}; none without empty blocks",
                expr=stalled_s(limits, by_chain),
            ),
            alert="ChainStalled",
        ),
        Panel(
            "Base fee",
            "Of the newest block.",
            "wei",
            f"{P}chain_base_fee_wei{by_chain}",
            Limit(typical, expr=f"{limits.base_fee_factor_max:g} * {P}chain_base_fee_typical_wei{by_chain}"),
            alert="BaseFeeHigh",
        ),
        Panel(
            "Base fee, times the typical one",
            "The newest block's by the network's typical one.",
            "short",
            f"{P}chain_base_fee_wei{by_chain} / {P}chain_base_fee_typical_wei{by_chain}",
            Limit(typical, limits.base_fee_factor_max),
            alert="BaseFeeHigh",
        ),
        Panel(
            "Reorgs",
            "Since monitoring began.",
            "short",
            f"{P}chain_reorgs_total{by_chain}",
            Limit(
                "those that left final blocks alone, by the session's finality: all should",
                expr=f"{P}chain_reorgs_total{by_chain} - {P}chain_finality_violations_total{by_chain}",
            ),
        ),
    )


def performance(limits: Thresholds) -> tuple[Panel, ...]:
    """Times across chains and at home, the relayer's work."""
    pair = 'origin=~"$chain"'
    p95 = f"sum by (origin, target, le) (increase({P}cross_chain_seconds_bucket{{{pair}}}[{SPAN}]))"
    allowed = Limit(
        f"finality of the origin, three blocks of the target, by their profiles, and {limits.cross_chain_s_max:g} s "
        "(TEC-02 of the criteria)",
        expr=allowed_s(limits, f"{{{pair}}}"),
        legend="limit {{origin}} to {{target}}",
    )
    waiting = Limit(
        f"{limits.oldest_intent_s_max:g} s (oldest_intent_s_max of the thresholds)",
        limits.oldest_intent_s_max / limits.speed,
    )
    in_time = f'{P}cross_chain_delay_seconds_bucket{{{pair},le=~"{limits.cross_chain_s_max:g}([.]0)?"}}'
    return (
        Panel(
            "Cross-chain time, 95%",
            "From the parent's READY to the child's execution, in ten minutes; read between two bounds of a histogram.",
            "s",
            f"histogram_quantile(0.95, {p95})",
            allowed,
            legend="{{origin}} to {{target}}",
        ),
        Panel(
            "Slow legs, share",
            f"Of ten minutes: slower than finality, three blocks and {limits.cross_chain_s_max:g} s.",
            "percentunit",
            slow_share(limits.cross_chain_s_max, SPAN, f"{EVALUATE_EVERY_S}s", pair),
            Limit(f"{100 * SLOW_SHARE_MAX:g}% (TEC-02 of the criteria)", SLOW_SHARE_MAX),
            legend="{{origin}} to {{target}}",
            alert="CrossChainSlow",
        ),
        Panel(
            "Legs that crossed",
            "How many were executed after a parent on the other chain.",
            "short",
            f"{P}cross_chain_seconds_count{{{pair}}}",
            Limit(
                f"of which those in time are {100 * (1 - SLOW_SHARE_MAX):g}% (TEC-02 of the criteria)",
                expr=f"sum without (le) ({in_time}) / {1 - SLOW_SHARE_MAX:g}",
                legend="limit {{origin}} to {{target}}",
            ),
            legend="{{origin}} to {{target}}",
        ),
        Panel(
            "Synchronisation lag",
            "Longest wait of a due leg whose parent is READY.",
            "s",
            f"{P}sync_lag_seconds{{{pair}}}",
            allowed,
            legend="{{origin}} to {{target}}",
            alert="CrossChainStuck",
        ),
        Panel(
            "Stages, mean",
            "From the moment when it is buffered and due to READY and to execution.",
            "s",
            f"{P}leg_stage_seconds_sum{{{C}}} / clamp_min({P}leg_stage_seconds_count{{{C}}}, 1)",
            Limit(
                "the contract's window, within which it must become READY",
                expr=f"{P}contract_window_seconds{{{C}}}",
                legend="limit of to_ready, {{chain}}",
            ),
            legend="{{chain}} {{stage}}",
        ),
        Panel(
            "Relayer's oldest job",
            "Age of the oldest transaction under way.",
            "s",
            f"{P}relayer_oldest_intent_seconds",
            waiting,
            legend="oldest",
            alert="RelayerBacklog",
        ),
        Panel(
            "Longest wait at home",
            "Of a due transaction that a call would resolve or execute, its parent not elsewhere.",
            "s",
            f"{P}legs_waiting_seconds{{{C}}}",
            waiting,
            alert="RelayerBacklog",
        ),
        Panel(
            "Relayer's queue",
            "Jobs under way.",
            "short",
            f"sum by (chain) ({P}relayer_queue_length{{{C}}})",
            Limit(
                f"what comes in the {limits.oldest_intent_s_max:g} s of RelayerBacklog at "
                f"{limits.transactions_per_s:g} transactions per second (TEC-04 of the criteria)",
                limits.oldest_intent_s_max / limits.speed * limits.transactions_per_s,
            ),
        ),
    )
