"""How long flows took: from the block of the origin leg to the block in which the destination leg was EXECUTED.

`mark_executed` emits nothing, so executions are found among the transactions that are not the generator's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lab.coordinator import Codec
from lab.load.analyse.figures import ChainRun
from lab.load.analyse.onchain import OnchainResult
from lab.load.analyse.statistics import Summary
from lab.load.drive.observer import SeenBlock
from lab.load.record.plan import LegFacts, Plan
from lab.rpc import Rpc
from lab.traffic.ledger import Book
from lab.traffic.signer import tx_id


@dataclass(frozen=True, slots=True)
class FlowFigures:
    """Milliseconds from inclusion to EXECUTED, in ascending order; `open` flows were buffered and never ended.

    `per_second` is the `steady_rate` at which flows ended.
    """

    latencies_ms: tuple[float, ...]
    bound_ms_max: float
    open: int
    per_second: float
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
            "per_second": round(self.per_second, 2),
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
) -> FlowFigures:
    """Pair the legs of every flow by sender and position."""
    first_nonce = {(leg.number, s.sender): s.first_nonce for leg in plan.legs() for s in leg.senders}
    place = {name: run.blocks_by_hash() for name, run in runs.items()}
    by_stream: dict[str, dict[str, LegFacts]] = {}
    for leg in legs:
        if leg.kind == "flow":
            by_stream.setdefault(leg.stream, {})[leg.role] = leg
    latencies: list[float] = []
    bound = 0.0
    still_open = 0
    ends: list[float] = []
    for pair in by_stream.values():
        origin, destination = pair["origin"], pair["destination"]
        for key in book.sent:
            if key[0] != origin.number or hashes.get(key) not in runs[origin.chain].onchain.succeeded:
                continue
            begun = place[origin.chain].get(hashes[key])
            position = key[2] - first_nonce[key[0], key[1]]
            ended = executed[destination.chain].get(tx_id(destination.salt, key[1], position))
            if begun is None or ended is None:
                still_open += 1
                continue
            latencies.append((ended.seen_at - begun.seen_at) * 1000)
            ends.append(ended.seen_at)
            bound = max(bound, (ended.bound_s + begun.bound_s) * 1000)
    return FlowFigures(
        tuple(sorted(latencies)), bound, still_open, steady_rate(ends), *calls, last_end_at=max(ends, default=None)
    )


def steady_rate(ends: Sequence[float]) -> float:
    """Flows a second from the time when a tenth had ended to that when nine tenths had; 0 where no time passed.

    The first and the last tenth are those of a system that fills and drains.
    """
    ordered = sorted(ends)
    first, last = len(ordered) // 10, len(ordered) * 9 // 10
    span = ordered[last] - ordered[first] if last > first else 0.0
    return (last - first) / span if span > 0 else 0.0
