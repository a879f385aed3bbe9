"""How long flows took: from the block of the origin leg to the block in which the destination leg was EXECUTED.

`mark_executed` emits nothing, so executions are found among the transactions that are not the generator's.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lab.coordinator import Codec
from lab.load.analyse.figures import US, ChainRun, Throughput
from lab.load.analyse.statistics import Summary, ascending
from lab.load.record.frozen import Frozen
from lab.load.record.plan import LegFacts, Plan
from lab.model.statistics.percentile import percentile
from lab.rpc import Rpc
from lab.traffic.hashes import NONE, Hashes, column, positions
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

    latencies_ms: Sequence[float]
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


@dataclass(frozen=True, slots=True)
class Executions:
    """What others than the generator called on one chain: the ids that they executed, and where, in its blocks' order.

    `blocks` holds the block of each id; `calls` is how many calls there were, `reverts` how many of them reverted.
    """

    ids: Hashes
    blocks: Sequence[int]
    calls: int
    reverts: int

    @classmethod
    def none(cls) -> Executions:
        """Where nobody looked, or nobody answered."""
        return cls(NONE, (), 0, 0)


def executions(rpc: Rpc, codec: Codec, run: ChainRun) -> Executions:
    """Read them from the blocks that hold such calls. Raises an RpcFailure."""
    ids, blocks = bytearray(), array("I")
    calls = reverts = begin = 0
    own, succeeded = run.own(), run.onchain.succeeded
    for number, block in enumerate(run.onchain.blocks):
        foreign = [at for at in range(begin, begin + block.count) if not own[at]]
        calls += len(foreign)
        full = rpc.block(block.number, full=True) if foreign else None
        inputs = {transaction["hash"]: transaction["input"] for transaction in full["transactions"]} if full else {}
        hashes = block.texts() if foreign else ()
        for at in foreign:
            if not succeeded[at]:
                reverts += 1
                continue
            call = codec.decode_call(inputs.get(hashes[at - begin], "0x"))
            for single in codec.singles(call) if call is not None else ():
                if single.function == "mark_executed":
                    ids += bytes.fromhex(single.args["tx_id"][2:])
                    blocks.append(number)
        begin += block.count
    return Executions(column(ids), blocks, calls, reverts)


def flow_figures(
    plan: Plan,
    legs: Sequence[LegFacts],
    runs: Mapping[str, ChainRun],
    executed: Mapping[str, Executions],
    poll_s: float,
) -> FlowFigures:
    """Pair the legs of every flow by sender and position."""
    first_nonce = {(leg.number, s.sender): s.first_nonce for leg in plan.legs() for s in leg.senders}
    by_stream: dict[str, dict[str, LegFacts]] = {}
    for leg in legs:
        if leg.kind == "flow":
            by_stream.setdefault(leg.stream, {})[leg.role] = leg
    bound, due_us, latencies, ends = 0.0, array("q"), array("d"), array("d")
    for pair in by_stream.values():
        origin, destination = pair["origin"], pair["destination"]
        run, there = runs[origin.chain], executed[destination.chain]
        begun = np.flatnonzero(run.succeeded() & (run.sent.rows["leg"] == origin.number))
        ids = column(
            tx_id(destination.salt, sender, nonce - first_nonce[origin.number, sender])
            for sender, nonce in run.sent.rows[["sender", "nonce"]][begun].tolist()
        )
        due_us.extend(run.sent.rows["intended_us"][begun].tolist())
        for number, at in zip(begun.tolist(), positions(ids, there.ids).tolist(), strict=True):
            first = run.onchain.blocks[run.onchain.block_of[run.at[number]]]
            if at < 0:
                latencies.append(math.nan)
                continue
            ended = runs[destination.chain].onchain.blocks[there.blocks[at]]
            latencies.append((ended.seen_at - first.seen_at) * 1000)
            ends.append(ended.seen_at)
            bound = max(bound, (ended.bound_s + first.bound_s) * 1000)
    flow_legs = {leg.number: leg.chain for pair in by_stream.values() for leg in pair.values()}
    slack_s = poll_s + 1.5 * max((runs[chain].block_time_ms for chain in flow_legs.values()), default=0) / 1000
    of_flows = [run.succeeded() & np.isin(run.sent.rows["leg"], list(flow_legs)) for run in runs.values()]
    due, of_all = np.array(due_us), np.array(latencies)
    return FlowFigures(
        latencies_ms=ascending(of_all[~np.isnan(of_all)]),
        bound_ms_max=bound,
        open=len(latencies) - len(ends),
        throughput=executed_a_second(ends, plan.seconds, slack_s),
        steady_per_second=steady_rate(ends),
        first=_fifth(of_all[due < plan.seconds * US / 5]),
        last=_fifth(of_all[due >= plan.seconds * US * 4 / 5]),
        calls=sum(int(flags.sum()) for flags in of_flows),
        slack_s=slack_s,
        relayer_calls=sum(there.calls for there in executed.values()),
        relayer_reverts=sum(there.reverts for there in executed.values()),
        last_end_at=max(ends, default=None),
    )


def _fifth(latencies_ms: npt.NDArray[np.float64]) -> FlowFifth:
    """Of flows; those without an end have none."""
    ended = ascending(latencies_ms[~np.isnan(latencies_ms)])
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
