"""From a run folder and the chains to the result: ledger, figures, verdicts. The same for every kind of run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.coordinator import Codec
from lab.load.analyse import figures
from lab.load.analyse.cost import costs
from lab.load.analyse.flows import FlowFigures, executions, flow_figures
from lab.load.analyse.judge import Facts, Judged, judge
from lab.load.analyse.onchain import OnchainResult, read_onchain
from lab.load.analyse.statistics import percentile
from lab.load.analyse.worker_reports import await_accounts, generator_account, settings_against
from lab.load.drive.observer import SeenBlock, read_blocks
from lab.load.drive.sampler import read_samples
from lab.load.prepare.capacity import Ceiling, network_ceilings
from lab.load.prepare.context import Context
from lab.load.profile.criteria import Criteria
from lab.load.record.plan import PLAN, START, Plan, read_urls
from lab.load.record.run_files import OUTAGES, SAMPLES, blocks_file
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.traffic.attempts import read_attempts
from lab.traffic.ledger import Book, ChainSnapshot, Ledger, reconcile
from lab.traffic.schedule import Schedule, Segment
from lab.traffic.senders import load_account
from lab.traffic.signed_file import read_signed

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Result:
    """A run that was reckoned up."""

    context: Context
    plan: Plan
    judged: Judged
    ledgers: dict[str, Ledger]
    chains: dict[str, dict[str, Any]]
    series: dict[str, list[dict[str, Any]]]
    samples: list[dict[str, Any]]
    resources: dict[str, Any]
    generator: dict[str, Any]
    flows: FlowFigures | None
    costs: dict[str, dict[str, Any]]
    totals: dict[str, Any]
    starts_at: float
    problems: tuple[str, ...]
    network_ceilings: tuple[Ceiling, ...]
    outages: tuple[dict[str, Any], ...]


def reconcile_run(
    folder: Path,
    *,
    interrupted: bool = False,
    problems: tuple[str, ...] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> Result:
    """Everything there is to say of the run in this folder. A chain that is no longer there is named."""
    context, plan = Context.read(folder), Plan.read(folder / PLAN)
    complete = await_accounts(folder)
    started = folder / START
    starts_at = json.loads(started.read_text(encoding="utf-8"))["starts_at"] if started.is_file() else 0.0
    book = Book()
    for path in sorted(folder.glob("attempts-*.bin")):
        book.read(read_attempts(path))
    hashes = _hashes(plan, book)
    codec = Codec.of(context)
    runs: dict[str, figures.ChainRun] = {}
    executed: dict[str, Mapping[bytes, SeenBlock]] = {}
    calls = [0, 0]
    found_problems = list(problems)
    if not complete and not problems:
        found_problems.append("not every worker wrote its account: one died, or its folder is not shared with this one")
    for name in context.chains:
        tell(f"{name}: reading the chain")
        run, rpc, trouble = _chain_run(folder, context, plan, book, hashes, name, codec)
        runs[name] = run
        if trouble:
            found_problems.append(trouble)
        executed[name] = {}
        if context.relayer != "none" and not trouble:
            own = {tx_hash for _, tx_hash in run.entries}
            executed[name], made, reverted = executions(rpc, codec, run.truth, own)
            calls[0] += made
            calls[1] += reverted
    flows = None
    if any(leg.kind == "flow" for leg in context.leg_facts()):
        truths = {name: run.truth for name, run in runs.items()}
        flows = flow_figures(plan, context.leg_facts(), book, hashes, truths, executed, (calls[0], calls[1]))
    return _result(folder, context, plan, book, runs, flows, starts_at, interrupted, tuple(found_problems))


def _chain_run(
    folder: Path,
    context: Context,
    plan: Plan,
    book: Book,
    hashes: Mapping[tuple[int, int, int], bytes],
    name: str,
    codec: Codec,
) -> tuple[figures.ChainRun, Rpc, str | None]:
    chain = context.chains[name]
    rpc = Rpc(HttpTransport(read_urls(folder)[name], timeout_s=TIMEOUT_S))
    path = folder / blocks_file(name)
    seen = read_blocks(path) if path.is_file() else []
    legs = {leg.number for leg in plan.legs() if leg.chain == name}
    trouble = None
    try:
        # In this order a transaction that is mined meanwhile is found in one place or the other.
        pool = _pool(rpc)
        truth = read_onchain(rpc, chain.contract, codec, seen, chain.first_block)
        says = _says(rpc, context, plan, name, truth, codec, pool)
    except RpcFailure as failure:
        trouble = f"{name} does not answer any more: {failure}"
        truth = OnchainResult(seen)
        mined = {bytes.fromhex(h[2:]): block.number for block in seen for h in block.hashes}
        says = ChainSnapshot(mined, set(), set(), {}, reachable=False)
    ledger = reconcile(name, legs, book, hashes, says)
    entries = [(entry, hashes[key]) for key, entry in book.sent.items() if entry.leg in legs and key in hashes]
    return figures.ChainRun(name, chain.block_time_ms, ledger, truth, entries), rpc, trouble


def _says(
    rpc: Rpc, context: Context, plan: Plan, name: str, truth: OnchainResult, codec: Codec, pool: set[bytes]
) -> ChainSnapshot:
    """All as of the last block that was read."""
    chain = context.chains[name]
    head = truth.blocks[-1].number if truth.blocks else chain.first_block - 1
    mined = {bytes.fromhex(h[2:]): block.number for block in truth.blocks for h in block.hashes}
    first = {s.sender: s.first_nonce for leg in plan.legs() if leg.chain == name for s in leg.senders}
    used = {sender: rpc.nonce(load_account(sender).address, head) - nonce for sender, nonce in first.items()}
    rise = None
    if chain.transaction_count is not None:
        answer = rpc.eth_call(chain.contract, codec.encode("transaction_count", []), block=head)
        rise = int(codec.decode_result("transaction_count", answer)[0]) - chain.transaction_count
    buffered = truth.buffered if "TransactionBuffered" in codec.events else None
    return ChainSnapshot(mined, truth.succeeded, pool, used, buffered, rise)


def _pool(rpc: Rpc) -> set[bytes]:
    """Hashes of what waits; empty where the node does not tell."""
    try:
        status = rpc.call("txpool_status")
        if int(status["pending"], 16) + int(status["queued"], 16) == 0:
            return set()
        content = rpc.call("txpool_content")
    except (RpcFailure, KeyError, TypeError, ValueError):
        return set()
    return {
        bytes.fromhex(transaction["hash"][2:])
        for part in ("pending", "queued")
        for by_nonce in content.get(part, {}).values()
        for transaction in by_nonce.values()
    }


def _hashes(plan: Plan, book: Book) -> dict[tuple[int, int, int], bytes]:
    """The hash of every transaction that was sent, from the files that it was signed into."""
    found = {}
    for leg in plan.legs():
        for sender in leg.senders:
            for signed in read_signed(Path(sender.path)):
                key = (leg.number, sender.sender, signed.nonce)
                if key in book.sent:
                    found[key] = signed.tx_hash
    return found


def _result(
    folder: Path,
    context: Context,
    plan: Plan,
    book: Book,
    runs: Mapping[str, figures.ChainRun],
    flows: FlowFigures | None,
    starts_at: float,
    interrupted: bool,
    problems: tuple[str, ...],
) -> Result:
    chains = {name: figures.chain_figures(run, starts_at, plan.seconds) for name, run in runs.items()}
    samples = read_samples(folder / SAMPLES)
    ends_at = starts_at + max([plan.seconds, *(c["throughput"]["seconds"] for c in chains.values())])
    if flows is not None and flows.last_end_at is not None:
        ends_at = max(ends_at, flows.last_end_at)
    used = figures.resources(samples, starts_at, ends_at)
    generator = generator_account(folder)
    ledgers = {name: run.ledger for name, run in runs.items()}
    gas = [c["gas"]["per_transaction"] for c in chains.values() if c["gas"]["per_transaction"]]
    per_call = max(gas) if gas else float(max(leg["gas_estimate"] for leg in context.legs))
    criteria = Criteria.model_construct(**context.profile["criteria"])
    priced = costs(per_call, _example(plan), criteria.cost_usd_max or 1.0)
    totals = _totals(ledgers, chains, generator, used)
    facts = _facts(
        context,
        plan,
        criteria,
        runs,
        chains,
        flows,
        generator,
        used,
        priced,
        totals,
        starts_at,
        interrupted,
        problems,
        settings_against(folder),
    )
    return Result(
        context,
        plan,
        judge(facts),
        ledgers,
        chains,
        figures.series(list(runs.values()), book, starts_at),
        samples,
        used,
        generator,
        flows,
        priced,
        totals,
        starts_at,
        problems,
        network_ceilings(round(per_call)),
        outages_of(folder, book, runs, starts_at),
    )


def outages_of(
    folder: Path, book: Book, runs: Mapping[str, figures.ChainRun], starts_at: float
) -> tuple[dict[str, Any], ...]:
    """Each span in which a chain did not answer, and what it cost."""
    path = folder / OUTAGES
    spans = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return tuple(
        figures.outage(runs[name], book, starts_at, begin, end) for name in runs for begin, end in spans.get(name, ())
    )


def _totals(
    ledgers: Mapping[str, Ledger], chains: Mapping[str, Any], generator: Mapping[str, Any], used: Mapping[str, Any]
) -> dict[str, Any]:
    names = (
        "offered",
        "dropped",
        "sent",
        "accepted",
        "refused",
        "lost",
        "mined",
        "succeeded",
        "reverted",
        "left_in_pool",
        "in_flight",
        "unexplained_count",
    )
    totals: dict[str, Any] = {name: sum(getattr(ledger, name) for ledger in ledgers.values()) for name in names}
    for name in ("tps", "low", "high"):
        totals[f"tps_{name}"] = round(sum(c["throughput"][name] for c in chains.values()), 2)
    node_cpu = sum(c["cpu_seconds"] for c in used["chains"].values())
    mined = totals["mined"] or None
    totals["node_cpu_us_per_transaction"] = round(node_cpu / mined * 1e6, 1) if mined and node_cpu else None
    totals["generator_cpu_us_per_transaction"] = (
        round(generator["cpu_seconds"] / totals["sent"] * 1e6, 1) if totals["sent"] else None
    )
    return totals


def _facts(
    context: Context,
    plan: Plan,
    criteria: Criteria,
    runs: Mapping[str, figures.ChainRun],
    chains: Mapping[str, dict[str, Any]],
    flows: FlowFigures | None,
    generator: Mapping[str, Any],
    used: Mapping[str, Any],
    priced: Mapping[str, Mapping[str, Any]],
    totals: Mapping[str, Any],
    starts_at: float,
    interrupted: bool,
    problems: tuple[str, ...],
    against: tuple[str, ...] = (),
) -> Facts:
    schedule = Schedule([Segment(s.seconds, s.from_tps, s.to_tps) for s in plan.segments])
    late = sorted(e.sent_us - e.intended_us for run in runs.values() for e, _ in run.entries if e.attempts == 1)
    offered_by_chain: dict[str, float] = {}
    for stream in plan.streams:
        for leg in stream.legs:
            offered_by_chain[leg.chain] = offered_by_chain.get(leg.chain, 0.0) + schedule.peak_tps * stream.share
    inclusion = sorted(x for run in runs.values() for x, _, _ in figures.inclusions(run, starts_at))
    uptime = {
        name: usage["uptime_share"]
        for kind in ("chains", "processes")
        for name, usage in used[kind].items()
        if kind == "chains" or name == "relayer"
    }
    unfinished = () if generator["finished"] or interrupted or problems else ("the generator did not end its schedule",)
    return Facts(
        criteria=criteria,
        schedule_s=plan.seconds,
        offered_tps=schedule.arrivals / plan.seconds * (totals["offered"] / max(1, generator["arrivals"])),
        tps=totals["tps_tps"],
        tps_low=totals["tps_low"],
        tps_high=totals["tps_high"],
        offered=totals["offered"],
        dropped=totals["dropped"],
        held=generator["held"],
        sent=totals["sent"],
        succeeded=totals["succeeded"],
        flows=flows is not None,
        cross_chain_ms=flows.latencies_ms if flows else (),
        flows_open=flows.open if flows else 0,
        inclusion_ms=inclusion,
        lateness_p99_ms=percentile(late, 99) / 1000 if late else None,
        tick_lag_p99_ms=generator["tick_lag_ms"].get("p99"),
        ceilings={name: chain.ceiling_of(name) for name, chain in context.chains.items()},
        offered_by_chain=offered_by_chain,
        costs=priced,
        uptime=uptime,
        samples=used["samples"],
        unexplained=[f"{name}: {what}" for name, run in runs.items() for what in run.ledger.unexplained],
        interrupted=interrupted,
        behind_s=max((c["throughput"]["behind_s"] for c in chains.values()), default=0.0),
        flows_behind_s=max(0.0, (flows.last_end_at or 0.0) - starts_at - plan.seconds) if flows else 0.0,
        generator_problems=(*against, *unfinished),
        problems=problems,
    )


def _example(plan: Plan) -> bytes:
    for leg in plan.legs():
        for sender in leg.senders:
            for signed in read_signed(Path(sender.path)):
                return signed.raw
    return b""
