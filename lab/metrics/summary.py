"""All figures of a run in one JSON object: what becomes metrics.json. The same history gives the same object."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lab.metrics.distribution import distribution
from lab.metrics.gas import cost, gas_by_function
from lab.metrics.latency import leg_times
from lab.metrics.throughput import throughput
from lab.model.history import History


def summarise(history: History) -> dict[str, Any]:
    """Latency over all legs, each leg's times, and each chain's throughput, gas and cost."""
    times = leg_times(history)
    return {
        "schema_version": 1,
        "scenario": history.header.scenario,
        "item": history.header.item,
        "duration_ms": history.end_ms,
        "latency_ms": {
            "buffered_to_ready": _over(leg.to_ready_ms for leg in times),
            "buffered_to_executed": _over(leg.to_executed_ms for leg in times),
            "cross_chain": _over(leg.cross_chain_ms for leg in times),
        },
        "legs": {
            leg.leg.name: {
                "chain": leg.leg.chain,
                "buffered_ms": leg.buffered_ms,
                "ready_ms": leg.ready_ms,
                "executed_ms": leg.executed_ms,
                "cross_chain_ms": leg.cross_chain_ms,
            }
            for leg in times
        },
        "chains": {
            chain: {
                "network": facts.network,
                "throughput": throughput(history, chain),
                "gas": gas_by_function(history, chain),
                "cost": cost(history, chain),
            }
            for chain, facts in history.header.chains.items()
        },
    }


def _over(values: Iterable[int | None]) -> dict[str, Any]:
    return distribution([value for value in values if value is not None])
