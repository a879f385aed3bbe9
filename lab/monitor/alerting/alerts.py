"""The alerts: one description, from which rules, the timeline of a run and the runbook follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.monitor.alerting.limits import Durations, Thresholds, allowed_s, stalled_s
from lab.monitor.alerting.slow_legs import EVALUATE_EVERY_S, SLOW_SHARE_MAX, slow_share
from lab.monitor.metrics import PREFIX

P = PREFIX
Severity = Literal["critical", "warning", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert. `summary` and `description` are templates of Prometheus; `action` is what a person does first.

    `commands` are those of `lab ops` that answer it, the first one first; `action` says when which.
    """

    name: str
    row: str
    severity: Severity
    expr: str
    for_s: float
    summary: str
    description: str
    action: str
    commands: tuple[str, ...] = ()

    @property
    def runbook(self) -> str:
        """The section on what to do: of the operations manual where a command does it, else of the alert."""
        if self.commands:
            return manual_section(self.commands[0])
        return f"docs/monitoring.md#{self.name.lower()}"


def manual_section(command: str) -> str:
    """Where the operations manual has a command of `lab ops`."""
    return f"docs/operations.md#lab-ops-{command}"


def alerts(limits: Thresholds) -> list[Alert]:
    """All alerts, in the order of the checklist."""
    span = Durations(limits.speed)
    failing = (
        f'sum by (chain) (increase({P}transactions_failed_total{{reason=~"expired|execution"}}[{span(600)}])) / '
        f'clamp_min(sum by (chain) (increase({P}events_total{{event="TransactionBuffered"}}[{span(600)}])), 1)'
    )
    behind = limits.oldest_intent_s_max / limits.speed
    return [
        Alert(
            "ChainDown",
            "ALR-01",
            "critical",
            f"{P}chain_up == 0",
            60,
            "{{ $labels.chain }} cannot be read",
            "The RPC endpoint of {{ $labels.chain }} has failed for a minute: chain_up is {{ $value }}, expected 1.",
            "`lab ops health` says which nodes answer. See the endpoint's status page and the exporter's log line "
            "chain_down; switch to another endpoint.",
            commands=("health",),
        ),
        Alert(
            "ChainStalled",
            "ALR-01",
            "critical",
            f"time() - {P}chain_head_timestamp_seconds > {stalled_s(limits)}",
            30,
            "{{ $labels.chain }} makes no blocks",
            "The newest block of {{ $labels.chain }} is {{ $value | humanizeDuration }} old; the limit is five block "
            f"times and {limits.stalled_s_max:g} s.",
            "`lab ops health` says how old the newest block is. Compare with another endpoint: if the chain itself "
            "stands still, pause the flows that lead to it.",
            commands=("health",),
        ),
        Alert(
            "RelayerDown",
            "ALR-01",
            "critical",
            f"{P}relayer_up == 0",
            60,
            "The relayer is down",
            "The relayer has not been alive for a minute: relayer_up is {{ $value }}, expected 1.",
            "Start it again with its store; it goes on where it was. Read its last log lines first.",
        ),
        Alert(
            "TransactionsFailing",
            "ALR-01",
            "critical",
            f"{failing} > {limits.failed_share_max:g}",
            60,
            "Transactions fail on {{ $labels.chain }}",
            "{{ $value | humanizePercentage }} of the transactions of ten minutes failed or expired; the limit "
            f"is {100 * limits.failed_share_max:g}%.",
            "See the reasons on the transactions dashboard: expired means late, execution means refused by the target.",
        ),
        Alert(
            "ContractCodeChanged",
            "ALR-01",
            "critical",
            f"{P}contract_code_matches == 0",
            0,
            "The contract on {{ $labels.chain }} has other code",
            "The code at the contract's address is not the one that was seen first: contract_code_matches is "
            "{{ $value }}, expected 1.",
            "Stop the relayer for this chain. `lab ops health` says whether there is code at the address; compare it "
            "with the release's artifact. If the contract is lost, deploy a new one, and `lab ops restore` brings it "
            "to the state of the last backup.",
            commands=("health", "restore"),
        ),
        Alert(
            "ContractPaused",
            "ALR-01",
            "critical",
            f"{P}contract_paused == 1",
            0,
            "The contract on {{ $labels.chain }} is paused",
            "The emergency stop of {{ $labels.chain }} is on: contract_paused is {{ $value }}, expected 0.",
            "Find out from the log who stopped it: EmergencyStop names the caller, or the circuit breaker. Once the "
            "reason is gone, `lab ops unpause` lifts the stop. If the contract is at fault leave it stopped: `lab ops "
            "backup` saves its state, `lab ops migrate` moves what is open to a new one.",
            commands=("unpause", "backup", "migrate"),
        ),
        Alert(
            "CrossChainSlow",
            "ALR-02",
            "warning",
            f"{slow_share(limits.cross_chain_s_max, span(600), span(EVALUATE_EVERY_S))} > {SLOW_SHARE_MAX:g}",
            300,
            "Legs from {{ $labels.origin }} to {{ $labels.target }} are slow",
            "{{ $value | humanizePercentage }} of the legs of ten minutes took longer than finality, three blocks and "
            f"{limits.cross_chain_s_max:g} s; the limit is {100 * SLOW_SHARE_MAX:g}%.",
            "Look at RPC times and the relayer's queue: a slow endpoint shows there first.",
        ),
        Alert(
            "CrossChainStuck",
            "ALR-02",
            "warning",
            f"{P}sync_lag_seconds > {allowed_s(limits)}",
            30,
            "A leg waits from {{ $labels.origin }} to {{ $labels.target }}",
            "A due leg has waited for {{ $value | humanizeDuration }} since its parent's READY; the limit is finality, "
            f"three blocks and {limits.cross_chain_s_max:g} s.",
            "Is the relayer alive and does it see both chains? Then the target's fees and the gas that its blocks "
            "hold, then its window.",
        ),
        Alert(
            "RelayerBacklog",
            "ALR-02",
            "warning",
            f"{P}relayer_oldest_intent_seconds > {behind:g} or {P}legs_waiting_seconds > {behind:g}",
            30,
            "The relayer is behind{{ with $labels.chain }} on {{ . }}{{ end }}",
            "{{ if $labels.chain }}A due transaction of {{ $labels.chain }}, whose parent is not elsewhere, has waited"
            "{{ else }}Its oldest job has been under way{{ end }} for {{ $value | humanizeDuration }}; the limit is "
            f"{limits.oldest_intent_s_max:g} s.",
            "Of a job compare its fee with the chain's base fee, and its nonce with the account's. Without one "
            "(relayer_queue_length) it does not begin: is it alive, and does its node refuse estimates of gas, as with "
            "blocks that hold too little?",
        ),
        Alert(
            "UnauthorizedCalls",
            "ALR-03",
            "critical",
            f"increase({P}unauthorized_calls_total[{span(300)}]) > 0",
            0,
            "Somebody without a role calls {{ $labels.function }} on {{ $labels.chain }}",
            "About {{ $value | humanize }} calls were refused for want of a role in five minutes; the limit is 0.",
            "The log has sender and hash of each. `lab ops drift` says whether owner and operators are the declared "
            "ones: if the sender is one of yours, its role was taken away, and `lab ops operators sync` gives it back.",
            commands=("drift", "operators"),
        ),
        Alert(
            "UndeclaredOperator",
            "ALR-03",
            "critical",
            f"{P}operators_undeclared > 0",
            0,
            "{{ $labels.chain }} has an operator whom nobody declared",
            "{{ $value }} operators of {{ $labels.chain }} are not declared; the limit is 0.",
            "`lab ops revoke ADDRESS --all` removes the operator; where it acts already, `lab ops pause --all` comes "
            "first. If the owner did not add it, its key is known to others: `lab ops rotate owner --to ADDRESS`.",
            commands=("revoke", "pause", "rotate"),
        ),
        Alert(
            "OwnerChanged",
            "ALR-03",
            "critical",
            f"{P}contract_owner_matches == 0",
            0,
            "{{ $labels.chain }} has another owner",
            "The owner is not the declared one: contract_owner_matches is {{ $value }}, expected 1.",
            "`lab ops drift` names the owner on every chain. If the handover was planned, declare the new owner; "
            "else this is an incident.",
            commands=("drift",),
        ),
        Alert(
            "BaseFeeHigh",
            "ALR-04",
            "warning",
            f"{P}chain_base_fee_wei > {limits.base_fee_factor_max:g} * {P}chain_base_fee_typical_wei",
            300,
            "Gas is expensive on {{ $labels.chain }}",
            "The base fee of {{ $labels.chain }} is {{ $value | humanize }} wei; the limit is "
            f"{limits.base_fee_factor_max:g} times the typical one.",
            "`lab ops health` checks the balances of the sending accounts. Can flows wait?",
            commands=("health",),
        ),
        Alert(
            "LegsOverdue",
            "ALR-05",
            "critical",
            f"{P}legs_overdue > 0",
            30,
            "Legs missed their window on {{ $labels.chain }}",
            "{{ $value }} transactions are past their window and have not ended; the limit is 0.",
            "Is the chain up, does the relayer see it? What is past its window can only expire.",
        ),
        Alert(
            "CoordinationTimeout",
            "ALR-05",
            "critical",
            f'increase({P}transactions_failed_total{{reason="expired"}}[{span(300)}]) > 0',
            0,
            "Transactions expired on {{ $labels.chain }}",
            "About {{ $value | humanize }} transactions expired in five minutes; the limit is 0.",
            "Find the parent that was late: the transactions dashboard has the stages.",
        ),
        Alert(
            "Maintenance",
            "ALR-06",
            "none",
            f"{P}maintenance == 1",
            0,
            "Maintenance is on",
            "Announced maintenance: maintenance is {{ $value }}; other alerts are inhibited until it ends by itself.",
            "Nothing: it ends by itself. `lab ops maintenance end` ends it before its time.",
            commands=("maintenance",),
        ),
        Alert(
            "CollectorStale",
            "INF-03",
            "warning",
            f"time() - ({P}collect_last_success_timestamp_seconds or {P}collect_start_timestamp_seconds) > "
            f"{120 / limits.speed:g} unless on (chain) {P}chain_up == 0 or absent({P}build_info)",
            60,
            "Monitoring does not see {{ with $labels.chain }}{{ . }}{{ else }}anything{{ end }}",
            "{{ if $labels.chain }}The last complete look, or the exporter's start where there was none yet, is "
            "{{ $value | humanizeDuration }} ago; the limit is 120 s.{{ else }}The exporter gives no metrics: "
            "there are 0 series of build_info, expected 1.{{ end }}",
            "Is the exporter running, and is its bound of requests enough (rpc_deferred_total)? While "
            "chain_scan_lag_blocks falls it is catching up, and the alert ends with that.",
        ),
        Alert(
            "Watchdog",
            "INF-03",
            "none",
            "vector(1)",
            0,
            "Alerting works",
            "This alert always fires. Where it is not received any more, alerting itself is broken.",
            "Nothing while it arrives. If it stops: Prometheus, then Alertmanager, then the receiver.",
        ),
    ]
