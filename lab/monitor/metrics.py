"""Every metric by its name: kind, labels, and what it says. Nothing is exported that does not stand here."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate
from typing import Literal

PREFIX = "tesseract_"
Labels = tuple[str, ...]
# Close together: a percentile is read between two bounds.
SECONDS = (1.0, 2.5, *map(float, range(5, 60, 5)), *map(float, range(60, 180, 10)), 180.0, 240.0, 300.0, 600.0)
# A rule counts what is above a limit, exactly, so that its limit is one of these.
DELAY_SECONDS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 45.0, 50.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0)
REQUEST_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `buckets` are upper bounds in the metric's unit, for histograms only."""

    kind: Literal["gauge", "counter", "histogram"]
    help: str
    labels: Labels = ()
    buckets: tuple[float, ...] = ()


def _gauge(text: str, *labels: str) -> Metric:
    return Metric("gauge", text, labels)


def _counter(text: str, *labels: str) -> Metric:
    return Metric("counter", text, labels)


METRICS: dict[str, Metric] = {
    "chain_up": _gauge("1 if the last poll of the chain succeeded, 0 if it failed.", "chain"),
    "chain_head_block": _gauge("Number of the newest block that was read.", "chain"),
    "chain_head_timestamp_seconds": _gauge("Timestamp of the newest block that was read.", "chain"),
    "chain_finalized_block": _gauge("Newest block that is final by the session's finality policy.", "chain"),
    "chain_base_fee_wei": _gauge("Base fee of the newest block.", "chain"),
    "chain_base_fee_typical_wei": _gauge("Typical base fee of the network, from its profile.", "chain"),
    "chain_block_time_seconds": _gauge("Block time of a network that mines empty blocks, from the session.", "chain"),
    "chain_scan_lag_blocks": _gauge("Blocks that the endpoint has and that were not read yet.", "chain"),
    "chain_reorgs_total": _counter("Reorgs seen.", "chain"),
    "chain_finality_violations_total": _counter("Reorgs that replaced blocks counted as final.", "chain"),
    "chain_blocks_unread_total": _counter("Blocks whose calls were skipped: the scan was too far behind.", "chain"),
    "rpc_requests_total": _counter(
        "JSON-RPC requests by outcome: ok, refused, timeout, unavailable, malformed.", "chain", "method", "outcome"
    ),
    "rpc_request_duration_seconds": Metric("histogram", "Time of a JSON-RPC request.", ("chain",), REQUEST_SECONDS),
    "rpc_requests_per_minute_limit": _gauge("Upper bound of requests to the chain in a minute.", "chain"),
    "rpc_endpoint_up": _gauge(
        "1 while the endpoint is in use, 0 while it is put back or of another chain; only of a chain with several.",
        "chain",
        "endpoint",
    ),
    "rpc_endpoints_disagree": _gauge(
        "1 while two endpoints of the chain have different blocks at one height; only of a chain with several.", "chain"
    ),
    "rpc_deferred_total": _counter("Polls cut short because the bound of requests was reached.", "chain"),
    "contract_code_matches": _gauge("1 if the contract's code is the one seen first, 0 if not.", "chain"),
    "contract_owner_matches": _gauge("1 if the owner is the session's owner.", "chain"),
    "contract_paused": _gauge("1 if the contract is paused.", "chain"),
    "contract_window_seconds": _gauge("Coordination window in force.", "chain"),
    "contract_failures": _gauge("Failures that the circuit breaker has counted.", "chain"),
    "contract_failures_limit": _gauge("Failures at which the circuit breaker stops the contract.", "chain"),
    "contract_transactions_total": _counter("Transactions buffered, as the contract counts them.", "chain"),
    "operator_authorized": _gauge("1 if the address is an operator of the contract.", "chain", "address", "role"),
    "operators_undeclared": _gauge("Operators of the contract that the session does not declare.", "chain"),
    "events_total": _counter("Events of the contract in final blocks, each counted once.", "chain", "event"),
    "transactions_failed_total": _counter(
        "TransactionFailed events in final blocks by reason: expired, execution, dependencies, other.",
        "chain",
        "reason",
    ),
    "transactions": _gauge("Transactions that the contract holds, by state.", "chain", "state"),
    "calls_total": _counter(
        "Transactions sent to the contract, by function and outcome (ok, reverted).", "chain", "function", "outcome"
    ),
    "unauthorized_calls_total": _counter("Calls that the contract refused for want of a role.", "chain", "function"),
    "call_cost_wei_total": _counter(
        "Execution fees of transactions to the contract, without L1 data fees.", "chain", "function"
    ),
    "call_cost_usd_total": _counter("The same in dollars, at the dated token price of the lab.", "chain", "function"),
    "token_price_usd": _gauge("Price of the network's token in dollars, dated, of the lab.", "chain"),
    "leg_stage_seconds": Metric(
        "histogram",
        "Block time from the moment when a transaction is buffered and due to READY, and to execution.",
        ("chain", "stage"),
        SECONDS,
    ),
    "cross_chain_seconds": Metric(
        "histogram",
        "Block time from the moment when the parent is READY and the child is due to the child's execution elsewhere.",
        ("origin", "target"),
        SECONDS,
    ),
    "cross_chain_delay_seconds": Metric(
        "histogram",
        "The same beyond cross_chain_allowance_seconds, 0 for what was not slower.",
        ("origin", "target"),
        DELAY_SECONDS,
    ),
    "cross_chain_allowance_seconds": _gauge(
        "What finality of the origin and three blocks of the target take by themselves.", "origin", "target"
    ),
    "legs_overdue": _gauge("Transactions whose window has passed and that have not ended.", "chain"),
    "legs_waiting_seconds": _gauge(
        "Longest wait of a due transaction for a call: it has no parent, or one that is final on the same chain.",
        "chain",
    ),
    "sync_lag_seconds": _gauge(
        "Longest wait of a due transaction whose parent on the other chain is READY.", "origin", "target"
    ),
    "account_balance_wei": _gauge("Balance of the accounts that send.", "chain", "role"),
    "relayer_up": _gauge("1 if the relayer is alive, as the lab's supervisor or its own endpoint says."),
    "relayer_queue_length": _gauge("Jobs that the relayer has under way.", "chain", "kind"),
    "relayer_oldest_intent_seconds": _gauge("Age of the oldest job under way."),
    "relayer_replacements_total": _counter("Transactions that the relayer replaced with a higher fee.", "chain"),
    "maintenance": _gauge("1 during announced maintenance."),
    "collect_last_success_timestamp_seconds": _gauge("When the chain was last read in full.", "chain"),
    "collect_start_timestamp_seconds": _gauge("When the exporter began to watch the chain.", "chain"),
    "build_info": _gauge("1; the labels say what exports.", "version", "run"),
}


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram's state. `counts` are of each bucket alone, the last one above all bounds."""

    counts: tuple[int, ...]
    total: float

    @staticmethod
    @lru_cache
    def empty(metric: str) -> Distribution:
        """No observation yet."""
        return Distribution((0,) * (len(METRICS[metric].buckets) + 1), 0.0)

    def observe(self, metric: str, value: float) -> Distribution:
        """One observation more."""
        return self.observe_all(metric, (value,))

    def observe_all(self, metric: str, values: Iterable[float]) -> Distribution:
        """Several more."""
        counts, total, buckets = list(self.counts), self.total, METRICS[metric].buckets
        for value in values:
            counts[bisect_left(buckets, value)] += 1
            total += value
        return Distribution(tuple(counts), total)

    def cumulative(self, metric: str) -> list[tuple[str, float]]:
        """(`le`, count) pairs as Prometheus wants them, `+Inf` last."""
        return list(zip(_bounds(metric), map(float, accumulate(self.counts)), strict=True))


@dataclass
class Samples:
    """What one collection gave: (metric, label values) -> value. A value that could not be read is not in it."""

    values: dict[tuple[str, Labels], float | Distribution] = field(default_factory=dict)

    def add(self, metric: str, value: float | Distribution | None, *labels: str) -> None:
        """Add a value; None stands for one that could not be read, and is dropped. Raises ValueError for bad labels."""
        if len(labels) != len(METRICS[metric].labels):
            raise ValueError(f"expected labels {METRICS[metric].labels} of {metric}, got {labels}")
        if value is not None:
            self.values[metric, labels] = value

    def get(self, metric: str, *labels: str) -> float | Distribution | None:
        """A value, None where there is none."""
        return self.values.get((metric, labels))

    def merge(self, other: Samples) -> None:
        """Take over all values of another collection."""
        self.values.update(other.values)

    def series(self) -> dict[str, float]:
        """Every series in the notation of Prometheus -> value, histograms as their buckets, sums and counts."""
        values: dict[str, float] = {}
        for (metric, labels), value in self.values.items():
            values.update(zip(series_names(metric, labels), numbers(value), strict=True))
        return values


def numbers(value: float | Distribution) -> tuple[float, ...]:
    """A value as the series that `series_names` names."""
    return _numbers(value.counts, value.total) if isinstance(value, Distribution) else (float(value),)


@lru_cache(maxsize=2_000)
def _numbers(counts: tuple[int, ...], total: float) -> tuple[float, ...]:
    """Of a histogram: its buckets, its count, its sum."""
    buckets = tuple(map(float, accumulate(counts)))
    return (*buckets, buckets[-1], total)


@lru_cache(maxsize=20_000)
def series_names(metric: str, labels: Labels) -> tuple[str, ...]:
    """Of a value: its one series; of a histogram those of its buckets, its count, its sum."""
    name, pairs = f"{PREFIX}{metric}", dict(zip(METRICS[metric].labels, labels, strict=True))
    if METRICS[metric].kind != "histogram":
        return (series_name(name, pairs),)
    buckets = [series_name(f"{name}_bucket", {**pairs, "le": bound}) for bound in _bounds(metric)]
    return (*buckets, series_name(f"{name}_count", pairs), series_name(f"{name}_sum", pairs))


@lru_cache
def _bounds(metric: str) -> tuple[str, ...]:
    return (*(f"{bound:g}" for bound in METRICS[metric].buckets), "+Inf")


def series_name(name: str, labels: Mapping[str, str]) -> str:
    """`name{label="value"}` with values escaped."""
    pairs = ",".join(f'{key}="{escaped(value)}"' for key, value in labels.items())
    return f"{name}{{{pairs}}}"


def escaped(value: str) -> str:
    """A label's value inside of quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
