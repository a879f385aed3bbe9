"""From a run folder and the chains to the result: ledger, figures, verdicts. The same for every kind of run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lab.bounded_files import read_object
from lab.coordinator import Codec
from lab.load.analyse.cost import Cost, costs
from lab.load.analyse.facts import Ending, Figures, Totals, facts_of, totals_of
from lab.load.analyse.figures import ChainFigures, ChainRun, Outage, chain_figures, outage
from lab.load.analyse.flows import Executions, FlowFigures, executions, flow_figures
from lab.load.analyse.judge import Judged, judge
from lab.load.analyse.onchain import OnchainResult, read_onchain
from lab.load.analyse.resources import Resources, resources
from lab.load.analyse.series import Second, series
from lab.load.analyse.worker_reports import GeneratorFigures, generator_figures, lost_workers
from lab.load.drive.observer import SeenBlock, read_blocks
from lab.load.prepare.capacity import Ceiling, network_ceilings
from lab.load.prepare.context import Context
from lab.load.record.plan import PLAN, Plan, read_urls
from lab.load.record.run_files import OUTAGES, SAMPLES, blocks_file
from lab.load.record.samples import Sample, read_samples
from lab.load.record.worker_report import Start
from lab.rpc import HttpTransport, Rpc, RpcFailure
from lab.traffic.book import Book, read_attempts
from lab.traffic.hashes import NONE, Hashes, column
from lab.traffic.ledger import ChainSnapshot, reconcile
from lab.traffic.senders import load_account
from lab.traffic.signed_file import header, read_signed

TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Result:
    """A run that was reconciled with its chains."""

    context: Context
    plan: Plan
    judged: Judged
    chains: dict[str, ChainFigures]
    series: dict[str, list[Second]]
    samples: list[Sample]
    resources: Resources
    generator: GeneratorFigures
    flows: FlowFigures | None
    costs: dict[str, Cost]
    totals: Totals
    starts_at: float
    problems: tuple[str, ...]
    network_ceilings: tuple[Ceiling, ...]
    outages: tuple[Outage, ...]


class RunRecord:
    """What a run left in its folder for those who analyse it."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError, or UnfitFile for a folder of another version."""
        self.folder = folder
        self.context, self.plan, self.start = Context.read(folder), Plan.read(folder / PLAN), Start.read(folder)
        self.codec = Codec.of(self.context)
        self.book = Book()
        for path in sorted(folder.glob("attempts-*.bin")):
            self.book.read(read_attempts(path))
        for leg in self.plan.legs():
            for sender in leg.senders:
                hashes = column(signed.tx_hash for signed in read_signed(Path(sender.path)))
                self.book.sign(leg.number, sender.sender, header(Path(sender.path))[0], hashes)

    def example(self) -> bytes:
        """A transaction of the run as it was sent."""
        paths = (Path(sender.path) for leg in self.plan.legs() for sender in leg.senders)
        return next((signed.raw for path in paths for signed in read_signed(path)), b"")

    def outages(self) -> dict[str, list[tuple[float, float]]]:
        """Spans in which a chain did not answer, in unix time."""
        path = self.folder / OUTAGES
        spans: dict[str, list[tuple[float, float]]] = read_object(path) if path.is_file() else {}
        return spans

    def seen_blocks(self, chain: str) -> list[SeenBlock]:
        """As the observer wrote them."""
        path = self.folder / blocks_file(chain)
        return read_blocks(path) if path.is_file() else []


def reconcile_run(
    folder: Path, ending: Ending | None = None, *, notify: Callable[[str], None] = lambda text: None
) -> Result:
    """Everything there is to say of the run in this folder. A chain that does not answer any more is named."""
    record, ending = RunRecord(folder), ending or Ending()
    ending = replace(ending, lost=ending.lost or tuple(lost_workers(folder, record.plan.workers)))
    runs: dict[str, ChainRun] = {}
    executed: dict[str, Executions] = {}
    for name in record.context.chains:
        notify(f"{name}: reading the chain")
        with closing(Rpc(HttpTransport(read_urls(folder)[name], timeout_s=TIMEOUT_S))) as rpc:
            runs[name], trouble = _chain_run(record, name, rpc)
            executed[name] = Executions.none()
            if trouble:
                ending = replace(ending, problems=(*ending.problems, trouble))
                continue
            if not runs[name].onchain.succeeded.any() and (why := runs[name].onchain.why_reverted) is not None:
                contract, known = record.context.chains[name].contract, record.context.made_of.contract
                called = f"{known.name} at {contract}" if known is not None else contract
                text = f"{name}: every call that was mined reverted in the contract {called}: {why}"
                ending = replace(ending, problems=(*ending.problems, text))
            if record.context.relayer != "none":
                executed[name] = executions(rpc, record.codec, runs[name])
    flows, legs = None, record.context.legs
    poll_s = record.context.profile.relayer_poll_ms / 1000
    if any(leg.kind == "flow" for leg in legs):
        flows = flow_figures(record.plan, legs, runs, executed, poll_s)
    return _result(record, runs, flows, ending)


def _chain_run(record: RunRecord, name: str, rpc: Rpc) -> tuple[ChainRun, str | None]:
    chain, seen = record.context.chains[name], record.seen_blocks(name)
    legs = {leg.number for leg in record.plan.legs() if leg.chain == name}
    trouble = None
    try:
        # In this order a transaction that is mined meanwhile is found in one place or the other.
        pool = _pool(rpc)
        onchain = read_onchain(rpc, chain.contract, record.codec, seen, chain.first_block)
        snapshot = _snapshot(record, name, rpc, onchain, pool)
    except RpcFailure as failure:
        trouble = f"{name} does not answer any more: {failure}"
        onchain = OnchainResult(seen)
        snapshot = ChainSnapshot(onchain.hashes, onchain.succeeded, NONE, {}, reachable=False)
    ledger = reconcile(name, legs, record.book, snapshot)
    sent = record.book.of_legs(legs).signed()
    return ChainRun.of(name, chain.block_time_ms, ledger, onchain, sent), trouble


def _snapshot(record: RunRecord, name: str, rpc: Rpc, onchain: OnchainResult, pool: Hashes) -> ChainSnapshot:
    """All as of the last block that was read."""
    chain, codec = record.context.chains[name], record.codec
    head = onchain.blocks[-1].number if onchain.blocks else chain.first_block - 1
    first = {s.sender: s.first_nonce for leg in record.plan.legs() if leg.chain == name for s in leg.senders}
    used = {sender: rpc.nonce(load_account(sender).address, head) - nonce for sender, nonce in first.items()}
    rise = None
    if chain.transaction_count is not None:
        answer = rpc.eth_call(chain.contract, codec.encode("transaction_count", []), block=head)
        rise = int(codec.decode_result("transaction_count", answer)[0]) - chain.transaction_count
    buffered = np.array(onchain.buffered, np.int64) if "TransactionBuffered" in codec.events else None
    return ChainSnapshot(onchain.hashes, onchain.succeeded, pool, used, buffered, rise)


def _pool(rpc: Rpc) -> Hashes:
    """Hashes of what waits; empty where the node does not say."""
    try:
        status = rpc.call("txpool_status")
        if int(status["pending"], 16) + int(status["queued"], 16) == 0:
            return NONE
        content = rpc.call("txpool_content")
    except (RpcFailure, KeyError, TypeError, ValueError):
        return NONE
    return column(
        bytes.fromhex(transaction["hash"][2:])
        for part in ("pending", "queued")
        for by_nonce in content.get(part, {}).values()
        for transaction in by_nonce.values()
    )


def _result(record: RunRecord, runs: dict[str, ChainRun], flows: FlowFigures | None, ending: Ending) -> Result:
    context, plan, starts_at = record.context, record.plan, record.start.starts_at
    chains = {name: chain_figures(run, starts_at, plan.seconds) for name, run in runs.items()}
    samples = read_samples(record.folder / SAMPLES)
    ends_at = starts_at + max([plan.seconds, *(figures.throughput.seconds for figures in chains.values())])
    if flows is not None and flows.last_end_at is not None:
        ends_at = max(ends_at, flows.last_end_at)
    used = resources(samples, starts_at, ends_at, per_network=context.profile.systems == "per-network")
    generator = generator_figures(record.folder)
    measured = [figures.gas.per_transaction for figures in chains.values() if figures.gas.per_transaction]
    per_call = max(measured) if measured else float(max(leg.gas_estimate for leg in context.legs))
    priced = costs(per_call, record.example(), context.profile.criteria.cost_usd_max or 1.0)
    figures = Figures(runs, chains, flows, generator, used, priced, totals_of(chains, generator, used))
    return Result(
        context=context,
        plan=plan,
        judged=judge(facts_of(context, plan, record.start, figures, ending)),
        chains=chains,
        series=series(list(runs.values()), record.book, starts_at),
        samples=samples,
        resources=used,
        generator=generator,
        flows=flows,
        costs=priced,
        totals=figures.totals,
        starts_at=starts_at,
        problems=ending.problems,
        network_ceilings=network_ceilings(round(per_call)),
        outages=tuple(
            outage(runs[name], record.book, starts_at, begin, end)
            for name in runs
            for begin, end in record.outages().get(name, ())
        ),
    )
