"""What a load run says about rows of the readiness checklist: `rows.json`, read later by the readiness report.

A row is PASS only where its own proof was made. What a synthetic network shows is a figure, never a pass of a criterion
that speaks of networks: such rows stay UNKNOWN, and say what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.load.analyse.judge import Outcome, RunOutcome, Verdict
from lab.load.analyse.reconcile import Result
from lab.load.analyse.uptime import Uptime

DOCUMENTED_GAS = 190_000
FLAT_SHARE = 0.02
MANY_BUFFERED = 100_000
EVENTS_MIN = 1_000
FILES = ["load.json", "report.html"]
ABOUT_TIME = ("LOAD-05", "TEC-02", "TEC-04")


def rows_of(result: Result) -> list[dict[str, Any]]:
    """One entry for each row that this run can say something about."""
    entries = [make(result) for make in _ROWS]
    return [_distrusted(entry, result) for entry in entries if entry is not None]


def _entry(
    row: str,
    verdict: str,
    figure: float | str | None,
    unit: str,
    reason: str,
    *,
    n: int | None = None,
    interval: tuple[float | None, float | None] | None = None,
    failures: int | None = None,
    assumptions: tuple[str, ...] = (),
) -> dict[str, Any]:
    return {
        "row": row,
        "verdict": verdict,
        "figure": "" if figure is None else figure,
        "unit": unit,
        "reason": reason,
        "interval": None if interval is None or None in interval else list(interval),
        "n": n,
        "failures": failures,
        "evidence": FILES,
        "assumptions": list(assumptions),
    }


def _distrusted(entry: dict[str, Any], result: Result) -> dict[str, Any]:
    """A run that was cut short proves nothing, one whose generator was late nothing about time; a failure stays one."""
    outcome = result.judged.outcome
    void = outcome is RunOutcome.INTERRUPTED or (outcome is RunOutcome.INVALID and entry["row"] in ABOUT_TIME)
    if void and entry["verdict"] not in ("FAIL", "INFEASIBLE"):
        entry |= {"verdict": "UNKNOWN", "reason": f"the run is {outcome}: {entry['reason']}"}
    if void and entry["verdict"] == "FAIL" and outcome is RunOutcome.INVALID:
        entry |= {"verdict": "UNKNOWN", "reason": f"the run is INVALID, the generator was late: {entry['reason']}"}
    if result.judged.unexplained and entry["verdict"] != "INFEASIBLE":
        entry |= {"verdict": "FAIL", "reason": f"the ledger does not balance: {result.judged.unexplained[0]}"}
    return entry


def _load_01(result: Result) -> dict[str, Any]:
    succeeded, failed = result.totals["succeeded"], result.totals["sent"] - result.totals["succeeded"]
    verdict = "FAIL" if failed else "PASS" if succeeded >= 100 else "UNKNOWN"
    return _entry(
        "LOAD-01",
        verdict,
        succeeded,
        "transactions",
        f"{succeeded:,} mined and successful, {failed:,} of those sent were not",
        n=result.totals["sent"],
        failures=failed,
    )


def _load_02(result: Result) -> dict[str, Any]:
    operators = min(result.context.operators.values())
    conflicts = sum(n for reason, n in result.generator["refusals"].items() if "nonce" in reason)
    lost = result.totals["lost"] + result.totals["refused"]
    verdict = "UNKNOWN" if operators < 2 else "FAIL" if conflicts or lost else "PASS"
    return _entry(
        "LOAD-02",
        verdict,
        operators,
        "operators at once",
        f"{operators} operators on each chain, {conflicts} nonce conflicts, {lost} transactions lost",
        n=result.totals["sent"],
        failures=lost,
    )


def _gas_drift(result: Result) -> float | None:
    drifts = []
    for chain in result.chains.values():
        first, last = (chain["drift"][name]["gas_per_transaction"] for name in ("first", "last"))
        if first and last:
            drifts.append(abs(last - first) / first)
    return max(drifts) if drifts else None


def _load_03(result: Result) -> dict[str, Any] | None:
    drift = _gas_drift(result)
    if drift is None or result.flows is not None:
        return None
    verdict = "PASS" if drift <= FLAT_SHARE and result.totals["succeeded"] >= 1_000 else "UNKNOWN"
    verdict = "FAIL" if drift > FLAT_SHARE else verdict
    return _entry(
        "LOAD-03",
        verdict,
        round(drift, 5),
        "gas drift, share",
        f"gas a call in the last fifth against the first, over {result.totals['succeeded']:,} buffered",
        n=result.totals["succeeded"],
    )


def _load_04(result: Result) -> dict[str, Any] | None:
    gas = {name: c["gas"] for name, c in result.chains.items() if c["gas"]["per_transaction"]}
    if not gas or result.flows is not None:
        return None
    worst = max(gas, key=lambda name: gas[name]["per_transaction"])
    figure = gas[worst]["per_transaction"]
    difference = figure / DOCUMENTED_GAS - 1
    return _entry(
        "LOAD-04",
        "PASS" if figure <= DOCUMENTED_GAS else "FAIL",
        figure,
        "gas per buffer_transaction",
        f"{figure:,.0f} gas a call, {difference:+.0%} against the documented {DOCUMENTED_GAS:,}",
        n=gas[worst]["transactions"],
        interval=(gas[worst]["sampled_min"], gas[worst]["sampled_max"]),
        assumptions=(f"documented figure: {DOCUMENTED_GAS:,} gas",),
    )


def _load_05(result: Result) -> dict[str, Any] | None:
    told, verdicts, worst = [], [], 0.0
    for name, chain in result.chains.items():
        latency = chain["inclusion_ms"]
        if not latency["n"]:
            continue
        block_ms = result.context.chains[name].block_time_ms
        worst = max(worst, latency["p95"])
        limit = ""
        if result.context.chains[name].synthetic:
            verdicts.append("UNKNOWN")
            limit = " on a synthetic network, which shows the software and no network"
        elif block_ms >= 1_000:
            verdicts.append("INFEASIBLE")
            limit = f": a block comes every {block_ms / 1000:g} s, so below a second is infeasible"
        else:
            verdicts.append("LAB PASS" if latency["p95"] < 1_000 else "FAIL")
        told.append(f"{name} p95 {latency['p95']:,.0f} ms{limit}")
    if not told:
        return None
    verdict = next(v for v in ("FAIL", "INFEASIBLE", "UNKNOWN", "LAB PASS") if v in verdicts)
    return _entry(
        "LOAD-05",
        verdict,
        worst,
        "ms at p95",
        "; ".join(told),
        n=result.totals["mined"],
        assumptions=("from the intended send time to the observed block",),
    )


def _of(result: Result, criterion: str) -> Verdict | None:
    return next((v for v in result.judged.verdicts if v.criterion == criterion), None)


def _criterion(
    result: Result, criterion: str, row: str, *, networks: bool, unit: str | None = None, factor: float = 1
) -> dict[str, Any] | None:
    """A criterion as a row, in the unit of the checklist's own target; on synthetic networks a MET proves nothing."""
    verdict = _of(result, criterion)
    if verdict is None or verdict.outcome is Outcome.NOT_MEASURED:
        return None
    words = {Outcome.MET: "LAB PASS", Outcome.MISSED: "FAIL", Outcome.INFEASIBLE: "INFEASIBLE"}
    word, reason = words.get(verdict.outcome, "UNKNOWN"), verdict.reason
    synthetic = [name for name, chain in result.context.chains.items() if chain.synthetic]
    if networks and synthetic and verdict.outcome is not Outcome.INFEASIBLE:
        word = "UNKNOWN"
        reason = f"{reason}; on the synthetic {', '.join(synthetic)}, which shows the software and no network"
    figure, low, high = (
        None if value is None else round(value * factor, 6) for value in (verdict.figure, verdict.low, verdict.high)
    )
    return _entry(
        row,
        word,
        figure,
        unit or verdict.unit,
        reason,
        n=verdict.n,
        interval=(low, high),
        assumptions=verdict.assumptions,
    )


def _tec_01(result: Result) -> dict[str, Any] | None:
    uptime = Uptime.from_json(result.resources["probes"])
    planned = result.context.profile["shape"].get("restart_at_ms") is not None
    judged = uptime.judge(fault_planned=planned, fault_seen=planned and bool(result.outages))
    if judged is None:
        return None
    verdict, reason = judged
    return _entry(
        "TEC-01",
        verdict,
        round(uptime.percent, 4),
        "%",
        reason,
        n=uptime.probes,
        failures=uptime.failures,
        interval=uptime.interval,
        assumptions=uptime.assumptions,
    )


def _tec_02(result: Result) -> dict[str, Any] | None:
    entry = _criterion(result, "cross-chain latency", "TEC-02", networks=True, unit="s", factor=0.001)
    if entry is not None:
        entry["reason"] = f"at p{result.context.profile['criteria']['cross_chain_percentile']:g}, {entry['reason']}"
    return entry


def _tec_03(result: Result) -> dict[str, Any] | None:
    entry = _criterion(result, "cost", "TEC-03", networks=False)
    if entry is not None and entry["verdict"] not in ("FAIL", "INFEASIBLE", "UNKNOWN"):
        # A call below the threshold says nothing of a transaction's whole life; a call above it says enough.
        entry |= {"verdict": "UNKNOWN", "reason": f"the cost of one call, not of a whole life: {entry['reason']}"}
    return entry


def _tec_04(result: Result) -> dict[str, Any] | None:
    entry = _criterion(result, "throughput", "TEC-04", networks=True, unit="tx/s")
    if entry is None or result.flows is not None:
        return None
    sides = [
        f"{c.network} {c.gas_limit // max(1, c.gas_per_call) * 1000 / c.block_time_ms:,.0f}"
        for c in result.network_ceilings
    ]
    entry["reason"] += f". Ceilings of the networks at this contract's gas, calls a second: {', '.join(sides)}"
    return entry


def _tec_06(result: Result) -> dict[str, Any] | None:
    entry = _criterion(result, "failures", "TEC-06", networks=False, unit="%", factor=100)
    if entry is not None:
        entry["failures"] = result.totals["sent"] - result.totals["succeeded"]
    return entry


def _str_04(result: Result) -> dict[str, Any] | None:
    most = max((ledger.succeeded for ledger in result.ledgers.values()), default=0)
    drift = _gas_drift(result)
    if result.flows is not None or drift is None:
        return None
    memory = max((usage["rss_max"] or 0 for usage in result.resources["chains"].values()), default=0)
    verdict = "UNKNOWN" if most < MANY_BUFFERED else "PASS" if drift <= FLAT_SHARE else "FAIL"
    return _entry(
        "STR-04",
        verdict,
        most,
        "buffered transactions on one chain",
        f"{most:,} of {MANY_BUFFERED:,}; gas drift {drift:.2%}; node memory {memory >> 20:,} MiB at most",
        n=most,
    )


def _str_05(result: Result) -> dict[str, Any]:
    events = sum(
        sum(count for name, count in c["events"].items() if name not in ("buffered_ids", "duplicates"))
        for c in result.chains.values()
    )
    duplicates = sum(chain["events"]["duplicates"] for chain in result.chains.values())
    contradicting = sum(chain["receipts_contradicting"] for chain in result.chains.values())
    verdict = "FAIL" if duplicates or contradicting else "PASS" if events >= EVENTS_MIN else "UNKNOWN"
    return _entry(
        "STR-05",
        verdict,
        events,
        "events",
        f"{events:,} events, each success with its own, {duplicates} twice, {contradicting} receipts that contradict",
        n=events,
        failures=duplicates,
    )


_ROWS: tuple[Callable[[Result], dict[str, Any] | None], ...] = (
    _load_01,
    _load_02,
    _load_03,
    _load_04,
    _load_05,
    _tec_01,
    _tec_02,
    _tec_03,
    _tec_04,
    _tec_06,
    _str_04,
    _str_05,
)
