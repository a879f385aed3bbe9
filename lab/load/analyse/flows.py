"""How long flows took: from the block of the origin leg to the block in which the destination leg was EXECUTED.

`mark_executed` emits nothing, so executions are found among the transactions that are not the generator's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec
from lab.load.analyse.figures import US, ChainRun, Throughput
from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.statistics import Summary
from lab.load.drive.observer import SeenBlock
from lab.load.record.frozen import Frozen
from lab.load.record.plan import LegFacts, Plan
from lab.model.statistics.percentile import percentile
from lab.rpc import Rpc
from lab.traffic.ledger import Book
from lab.traffic.signer import tx_id


class FlowFifth(Frozen):
    """The flows that were due in one end of a run: how many, how many never ended, and their median latency."""

    flows: int
    open: int
    latency_p50_ms: float | None

    @property
    def mostly_open(self) -> bool:
        return 2 * self.open >= max(1, self.flows)


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Milliseconds from inclusion to EXECUTED, in ascending order; `open` flows were buffered and never ended.

    `throughput` is of flows executed, `steady_per_second` the `steady_rate` at which they ended, `first` and `last` the
    fifths of the schedule, `calls` the successful calls of the generator that belong to flows, `slack_s` what a flow's
    end may be off by: a poll of the relayer and a block time and a half.
    """

    latencies_ms: tuple[float, ...]
    bound_ms_max: float
    open: int
    throughput: Throughput
    steady_per_second: float
    first: FlowFifth
    last: FlowFifth
    calls: int
    slack_s: float
    relayer_calls: int
    relayer_reverts: int
    last_end_at: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As load.json has it."""
        return {
            "latency_ms": Summary.of(self.latencies_ms).to_json(),
            "bound_ms_max": round(self.bound_ms_max, 1),
            "ended": len(self.latencies_ms),
            "open": self.open,
            "throughput": self.throughput.to_json(),
            "steady_per_second": round(self.steady_per_second, 2),
            "drift": {"first": self.first.to_json(), "last": self.last.to_json()},
            "relayer_calls": self.relayer_calls,
            "relayer_reverts": self.relayer_reverts,
        }


def executions(
    rpc: Rpc, codec: Codec, onchain: OnchainResult, own: set[bytes]
) -> tuple[dict[bytes, SeenBlock], int, int]:
    """tx_id -> block of its first successful execution; and how many calls of others there were, and reverted."""
    executed: dict[bytes, SeenBlock] = {}
    calls = reverts = 0
    for block in onchain.blocks:
        if own.issuperset(block.tx_hashes()):
            continue
        full = rpc.block(block.number, full=True)
        for transaction in full["transactions"] if full else ():
            tx_hash = bytes.fromhex(transaction["hash"][2:])
            if tx_hash in own:
                continue
            calls += 1
            if tx_hash not in onchain.succeeded:
                reverts += 1
                continue
            call = codec.decode_call(transaction["input"])
            for single in codec.singles(call) if call is not None else ():
                if single.function == "mark_executed":
                    executed.setdefault(bytes.fromhex(single.args["tx_id"][2:]), block)
    return executed, calls, reverts


def flow_figures(
    plan: Plan,
    legs: Sequence[LegFacts],
    book: Book,
    hashes: Mapping[tuple[int, int, int], bytes],
    runs: Mapping[str, ChainRun],
    executed: Mapping[str, Mapping[bytes, SeenBlock]],
    calls: tuple[int, int],
    poll_s: float,
) -> FlowFigures:
    """Pair the legs of every flow by sender and position. `calls` are the relayer's, and those that reverted."""
    first_nonce = {(leg.number, s.sender): s.first_nonce for leg in plan.legs() for s in leg.senders}
    place = {name: run.blocks_by_hash() for name, run in runs.items()}
    by_stream: dict[str, dict[str, LegFacts]] = {}
    for leg in legs:
        if leg.kind == "flow":
            by_stream.setdefault(leg.stream, {})[leg.role] = leg
    latencies: list[float] = []
    bound = 0.0
    ends: list[float] = []
    due: list[tuple[int, float | None]] = []
    for pair in by_stream.values():
        origin, destination = pair["origin"], pair["destination"]
        for key, sent in book.sent.items():
            if key[0] != origin.number or hashes.get(key) not in runs[origin.chain].onchain.succeeded:
                continue
            begun = place[origin.chain].get(hashes[key])
            position = key[2] - first_nonce[key[0], key[1]]
            ended = executed[destination.chain].get(tx_id(destination.salt, key[1], position))
            if begun is None or ended is None:
                due.append((sent.intended_us, None))
                continue
            latencies.append((ended.seen_at - begun.seen_at) * 1000)
            due.append((sent.intended_us, latencies[-1]))
            ends.append(ended.seen_at)
            bound = max(bound, (ended.bound_s + begun.bound_s) * 1000)
    flow_legs = {leg.number: leg.chain for pair in by_stream.values() for leg in pair.values()}
    slack_s = poll_s + 1.5 * max((runs[chain].block_time_ms for chain in flow_legs.values()), default=0) / 1000
    return FlowFigures(
        latencies_ms=tuple(sorted(latencies)),
        bound_ms_max=bound,
        open=len(due) - len(latencies),
        throughput=executed_a_second(ends, plan.seconds, slack_s),
        steady_per_second=steady_rate(ends),
        first=_fifth([ms for intended_us, ms in due if intended_us < plan.seconds * US / 5]),
        last=_fifth([ms for intended_us, ms in due if intended_us >= plan.seconds * US * 4 / 5]),
        calls=sum(
            key[0] in flow_legs and hashes.get(key) in runs[flow_legs[key[0]]].onchain.succeeded for key in book.sent
        ),
        slack_s=slack_s,
        relayer_calls=calls[0],
        relayer_reverts=calls[1],
        last_end_at=max(ends, default=None),
    )


def _fifth(latencies_ms: Sequence[float | None]) -> FlowFifth:
    ended = sorted(ms for ms in latencies_ms if ms is not None)
    median = round(percentile(ended, 50), 1) if ended else None
    return FlowFifth(flows=len(latencies_ms), open=len(latencies_ms) - len(ended), latency_p50_ms=median)


def executed_a_second(ends: Sequence[float], schedule_s: float, slack_s: float) -> Throughput:
    """Flows a second from the first end to the last, or over the schedule where that is longer.

    Flows that each take as long as the other end as they began, within the slack: so does a system that keeps up. One
    that does not ends its last flow late, and that time counts.
    """
    if not ends:
        return Throughput(seconds=schedule_s)
    span_s = max(ends) - min(ends)
    behind_s = span_s - schedule_s if span_s - schedule_s > slack_s else 0.0
    seconds = schedule_s + behind_s
    return Throughput(
        tps=round(len(ends) / seconds, 2),
        low_tps=round(len(ends) / max(schedule_s, span_s), 2),
        high_tps=round(len(ends) / max(schedule_s, seconds - slack_s), 2),
        seconds=round(seconds, 3),
        behind_s=round(behind_s, 3),
    )


def steady_rate(ends: Sequence[float]) -> float:
    """Flows a second from the time when a tenth had ended to that when nine tenths had; 0 where no time passed.

    The first and the last tenth are those of a system that fills and drains.
    """
    ordered = sorted(ends)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    span = ordered[last] - ordered[first] if last > first else 0.0
    return (last - first) / span if span > 0 else 0.0
