"""Run folders that exist in memory, and one history in which something of every kind happens."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Literal

from lab.bounded_files import write_atomically
from lab.errors import EvidenceFailure
from lab.evidence import RunFolder
from lab.evidence.outcomes import RunOutcome
from lab.evidence.recorder import record_line
from lab.model.chain.facts import ChainFacts
from lab.model.chain.finality import Finality
from lab.model.history import History
from lab.model.record_parts.fault_effects import FaultEffects
from lab.model.records import (
    AnyRecord,
    Block,
    Call,
    EmptyBlocks,
    Expectation,
    FaultMark,
    Header,
    Leg,
    Log,
    Operation,
    RelayerMark,
    Reorg,
    Submit,
    Tx,
)
from lab.model.verdict import CheckResult, Finding, RunVerdict, Verdict
from lab.report.catalogue.rows import Catalogue, Stage
from lab.report.evidence.attestations import load_statements
from lab.report.evidence.baseline import Baseline
from lab.report.evidence.gathered import Gathered, read_runs
from lab.report.judge.readiness import Scope, build_readiness
from lab.report.records.folder import Folder
from lab.report.records.report import Readiness

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CONTRACT = "c0" * 32
PAY, SETTLE = "0x" + "11" * 32, "0x" + "22" * 32
OPERATOR, ATTACKER, RELAYER = "0x" + "a1" * 20, "0x" + "a3" * 20, "0x" + "a2" * 20
HOSTILE = "<script>alert(1)</script>{{7*7}}\x1b[31mred\x1b[0m\u202egnp.exe"


def digest(number: int) -> str:
    """A block or transaction hash."""
    return f"0x{number:064x}"


def header(**changes: Any) -> Header:
    """Two chains, one flow of two legs."""
    chains = {
        name: ChainFacts(
            network=name,
            chain_id=chain_id,
            contract="0x" + "cc" * 20,
            rollup=rollup,
            finality=Finality(blocks=2),
            block_time_ms=block_time_ms,
            mines_empty_blocks=True,
            deploy_block=1,
        )
        for name, chain_id, rollup, block_time_ms in [
            ("ethereum", 1, "0x" + "e0" * 20, 12_000),
            ("optimism", 10, "0x" + "0f" * 20, 2_000),
        ]
    }
    leg = {"flow": "swap", "origin": "0x" + "e0" * 20, "target": "0x" + "0f" * 20, "payload": "0x"}
    values: dict[str, Any] = {
        "seq": 0,
        "t_ms": 0,
        "scenario": "A parent lost in a reorg never leaves its child executed",
        "item": "failures/parent_reorged[3]",
        "seed": 7,
        "clock": "virtual",
        "genesis_time": 1_800_000_000,
        "window_s": 30,
        "chains": chains,
        "roles": {"operator": OPERATOR, "attacker": ATTACKER, "relayer": RELAYER},
        "operators": {"ethereum": (OPERATOR,), "optimism": (OPERATOR,)},
        "legs": (
            Leg(name="swap.pay", chain="ethereum", tx_id=PAY, timestamp=1_800_000_030, **leg),
            Leg(name="swap.settle", chain="optimism", tx_id=SETTLE, after="swap.pay", timestamp=1_800_000_060, **leg),
        ),
        "capabilities": ("breaker",),
        "poll_ms": 2_000,
        "rpc_budget_ms": 1_000,
        "execution_order": "ready",
    }
    return Header(**(values | changes))


def transaction(number: int, *, sender: str = OPERATOR, calls: tuple[Call, ...] = (), logs: tuple[Log, ...] = ()) -> Tx:
    """A mined transaction; it failed if one of its calls did."""
    status: Literal[0, 1] = 0 if any(not call.ok for call in calls) else 1
    return Tx(
        hash=digest(number), sender=sender, to="0x" + "cc" * 20, nonce=number, status=status, gas_used=90_000,
        gas_price=10, index=0, calls=calls, logs=logs, traced=True,
    )  # fmt: skip


def call(function: str, tx_id: str, *, ok: bool = True, revert: str | None = None, caller: str = OPERATOR) -> Call:
    """A call into the coordinator."""
    return Call(caller=caller, function=function, args={"tx_id": tx_id}, ok=ok, revert=revert)


def log(event: str, tx_id: str, **args: Any) -> Log:
    """An event of the coordinator."""
    return Log(event=event, args={"tx_id": tx_id, **args}, index=0)


def block(seq: int, t_ms: int, chain: str, number: int, *txs: Tx) -> Block:
    """A block with transactions."""
    return Block(
        seq=seq, t_ms=t_ms, chain=chain, number=number, hash=digest(1_000 * seq + number), parent=digest(number - 1),
        timestamp=1_800_000_000 + t_ms // 1_000, base_fee=7, gas_used=90_000, gas_limit=30_000_000, txs=txs,
    )  # fmt: skip


def empty(seq: int, chain: str, first: int, last: int, start_ms: int, end_ms: int) -> EmptyBlocks:
    """A run of empty blocks."""
    return EmptyBlocks(
        seq=seq, t_ms=end_ms, chain=chain, first=first, last=last, first_t_ms=start_ms,
        first_timestamp=1_800_000_000 + start_ms // 1_000, last_timestamp=1_800_000_000 + end_ms // 1_000,
        last_hash=digest(last), last_base_fee=7,
    )  # fmt: skip


def eventful(*, met: bool = True, revert: str = "Not authorized", **changes: Any) -> History:
    """Buffering, a mirror, a reorg that orphans, a revert, faults, the relayer, expectations."""
    denied = call("resolve_dependency", SETTLE, ok=False, revert=revert, caller=ATTACKER)
    records: list[AnyRecord] = [
        header(**changes),
        empty(1, "optimism", 1, 6, 0, 10_000),
        block(2, 12_000, "ethereum", 2, transaction(1, logs=(log("TransactionBuffered", PAY),))),
        block(3, 12_000, "optimism", 7, transaction(2, logs=(log("TransactionBuffered", SETTLE),))),
        empty(4, "optimism", 8, 17, 14_000, 32_000),
        block(5, 36_000, "ethereum", 4, transaction(3, logs=(log("TransactionReady", PAY),))),
        FaultMark(
            seq=6, t_ms=24_000, id="slow-rpc", fault="rpc_latency", chain="optimism", phase="inject",
            effects=FaultEffects(chains=("optimism",), hangs_requests=True, slows_all_chains=True),
        ),
        FaultMark(
            seq=7, t_ms=37_000, id="lose-parent", fault="reorg", chain="ethereum", phase="inject",
            effects=FaultEffects(chains=("ethereum",), recorded_elsewhere=True),
        ),
        Reorg(
            seq=8, t_ms=38_000, chain="ethereum", depth=3, ancestor=2, orphaned_txs=(digest(3),), requeued_txs=(),
            beyond_finality=True,
        ),
        FaultMark(
            seq=9, t_ms=38_000, id="lose-parent", fault="reorg", chain="ethereum", phase="heal", activations=1,
            proof="3 blocks replaced",
        ),
        Operation(
            seq=10, t_ms=40_000, id="op-3", actor="attacker", chain="optimism", function="resolve_dependency",
            args={"tx_id": SETTLE}, leg="swap.settle", end_ms=42_000, outcome="fail", revert=revert,
        ),
        block(11, 42_000, "optimism", 22, transaction(4, sender=ATTACKER, calls=(denied,))),
        Submit(
            seq=12, t_ms=44_000, chain="optimism", sender=RELAYER, tx=digest(5), nonce=0, function="buffer_transaction",
            args={"tx_id": PAY}, max_fee_per_gas=9, outcome="info", error="timed out",
        ),
        block(13, 46_000, "optimism", 24, transaction(5, sender=RELAYER, logs=(log("TransactionBuffered", PAY),))),
        FaultMark(
            seq=14, t_ms=50_000, id="slow-rpc", fault="rpc_latency", chain="optimism", phase="heal", activations=12,
            proof="12 requests delayed",
        ),
        RelayerMark(seq=15, t_ms=52_000, kind="relayer", event="start", text="started"),
        block(16, 60_000, "ethereum", 6, transaction(6, calls=(call("mark_executed", PAY),))),
        block(
            17, 94_000, "optimism", 48,
            transaction(7, logs=(log("TransactionFailed", SETTLE, reason="Transaction expired"),)),
        ),
        Expectation(
            seq=18, t_ms=95_000, id="e1", where="scenarios/failures/parent_reorged.yaml:31:5",
            expected="leg swap.settle is EXPIRED", actual="EXPIRED" if met else "EXECUTED", met=met,
            because="its parent never came back before the window closed",
        ),
        empty(19, "ethereum", 7, 9, 72_000, 108_000),
    ]  # fmt: skip
    return History(records)


def verdict(
    state: Verdict = Verdict.PASS,
    *,
    item: str = "failures/parent_reorged[3]",
    checks: dict[str, Verdict] | None = None,
    reasons: tuple[str, ...] | None = None,
    scenario: str = "A parent lost in a reorg never leaves its child executed",
) -> RunVerdict:
    """A run's verdict; `checks` by name."""
    results = [
        CheckResult(
            check=name,
            verdict=found,
            reason=f"{name} says {found}",
            judged=2,
            findings=(Finding(message="child ready before its parent was final", t_ms=46_000, chain="optimism"),)
            if found is Verdict.FAIL
            else (),
        )
        for name, found in (checks or {"S1": Verdict.PASS}).items()
    ]
    why = reasons if reasons is not None else (() if state is Verdict.PASS else (f"the run is {state}",))
    return RunVerdict(
        scenario=scenario,
        item=item,
        verdict=state,
        reasons=why,
        checks=tuple(results),
        repeat='pytest "scenarios/failures/parent_reorged.yaml" -k 3 --seed 7',
    )


def manifest(scenario_file: str, item: str) -> dict[str, Any]:
    """What a run records of itself."""
    return {
        "schema_version": 1,
        "item": item,
        "scenario_file": scenario_file,
        "name": "A parent lost in a reorg never leaves its child executed",
        "rows": ["XCB-04"],
        "seed": 7,
        "clock": "virtual",
        "backend": {"name": "process"},
        "contract": {"path": "contracts/TesseractCoordinator.vy", "bytecode_sha256": CONTRACT, "compiler": "0.4.3"},
        "lab": {"version": "0.1.0", "commit": "ab" * 20, "dirty": False},
        "versions": {"python": "3.11.2", "vyper": "0.4.3", "anvil": "1.7.1"},
        "history_digest": "d1" * 32,
        "started": "2026-11-24T11:00:00+00:00",
        "duration_s": 1.25,
        "faults": [{"id": "lose-parent", "fault": "reorg", "activations": 1}],
    }


@dataclass
class FakeFolder:
    """A run folder whose parts are given. A part that is an exception is raised when it is read."""

    path: Path
    manifest_value: dict[str, Any] | Exception
    verdict_value: RunVerdict | Exception = field(default_factory=verdict)
    history_value: History | Exception = field(default_factory=eventful)
    outcome_value: RunOutcome = field(default_factory=RunOutcome)
    differences: list[str] = field(default_factory=list)

    def manifest(self) -> dict[str, Any]:
        """The given manifest."""
        if isinstance(self.manifest_value, Exception):
            raise self.manifest_value
        return self.manifest_value

    def verdict(self) -> RunVerdict:
        """The given verdict."""
        if isinstance(self.verdict_value, Exception):
            raise self.verdict_value
        return self.verdict_value

    def history(self) -> History:
        """The given history."""
        if isinstance(self.history_value, Exception):
            raise self.history_value
        return self.history_value

    def metrics(self) -> dict[str, Any]:
        """None are needed."""
        return {}

    def sealed_manifest(self) -> dict[str, Any]:
        """The same: nobody changes a fake."""
        return self.manifest()

    def ended(self) -> bool:
        """It did."""
        return True

    def failed(self) -> bool:
        """Whether its verdict says so."""
        return isinstance(self.verdict_value, RunVerdict) and self.verdict_value.verdict is Verdict.FAIL

    def outcome(self) -> RunOutcome:
        """The given line beside it."""
        return self.outcome_value

    def history_is_contradicted(self) -> bool:
        """Nobody changed it."""
        return False

    def verify(self) -> list[str]:
        """The given differences; like the real folder, it needs the manifest for that."""
        self.manifest()
        return self.differences


def run(
    scenario: str,
    state: Verdict = Verdict.PASS,
    *,
    param: str = "",
    checks: dict[str, Verdict] | None = None,
    root: Path = Path("/nowhere/results"),
    session: str = "20261124-110000",
    **changes: Any,
) -> FakeFolder:
    """A folder of one item of a scenario such as `failures/parent_reorged`; `changes` go into the manifest."""
    item = f"{scenario}[{param}]" if param else scenario
    return FakeFolder(
        path=root / session / item.replace("/", "-"),
        manifest_value=manifest(f"scenarios/{scenario}.yaml", item) | changes,
        verdict_value=verdict(state, item=item, checks=checks),
    )


def write(folder: FakeFolder) -> RunFolder:
    """The same as a real folder, sealed."""
    assert isinstance(folder.manifest_value, dict)
    assert isinstance(folder.verdict_value, RunVerdict)
    record(folder.path, folder.manifest_value, folder.verdict_value)
    return RunFolder(folder.path)


def record(path: Path, made: dict[str, Any], said: RunVerdict) -> None:
    """A sealed run folder in which something of every kind happened."""
    path.mkdir(parents=True, exist_ok=True)
    history = eventful(item=said.item, seed=made["seed"])
    lines = (record_line(each) for each in sorted(history.records, key=lambda record: record.seq))
    (path / "history.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    write_atomically(path / "verdict.json", said.model_dump_json())
    write_atomically(path / "metrics.json", "{}")
    RunFolder(path).seal(made)


def broken(text: str = "truncated after 12 bytes") -> EvidenceFailure:
    """What a folder raises for what it cannot read."""
    return EvidenceFailure(text)


def readiness(
    catalogue: Catalogue,
    folders: Iterable[Folder] = (),
    *,
    stage: Stage = "mainnet",
    baseline: Baseline | None = None,
    contract_sha256: str | None = CONTRACT,
    generated: datetime = NOW,
    release_date: date | None = None,
    results: Path | None = None,
    attestations: Path | None = None,
    **parts: Any,
) -> Readiness:
    """A report over the given folders; `parts` are further parts of what is gathered, such as figures."""
    given = tuple(folders)
    rows = {row.id: row for row in catalogue.rows}
    said = load_statements(attestations, rows, generated.date(), contract_sha256) if attestations is not None else ()
    evidence = Gathered(folders=given, runs=read_runs(given, results, generated), statements=tuple(said), **parts)
    in_force = replace(baseline or Baseline(), contract_sha256=contract_sha256)
    return build_readiness(catalogue, evidence, Scope(stage, generated, in_force, release_date))
