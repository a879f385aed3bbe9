"""Every panel of every dashboard shows the figure that the chains have, and a fault changes its panel."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lab.bounded_files import write_atomically
from lab.coordinator import DecodedCall, role_account
from lab.coordinator.accounts import ROLES
from lab.model.chain.prices import prices
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.collect.facts import REASONS, STATES
from lab.monitor.dashboards.boards import boards
from lab.monitor.dashboards.page import FILE, page
from lab.monitor.metrics import SECONDS
from lab.monitor.servers import Recorded, recorded
from lab.networks import load_network
from lab.runner.script import Script

SETUP = """
name: Panels show the figures of a known run, and faults where they belong
description: >
  Two chains, a flow across both, and one fault for each thing that a panel is to show: a node that dies, a failure, a
  base fee that spikes, a relayer that hangs, an operator who comes and goes, an attacker. Afterwards Prometheus holds
  the run's series and answers every panel's query; the figures are compared with receipts, blocks and the contract.
rows: [MON-01, MON-02, MON-03, MON-04, MON-05, MON-06, DSH-01, DSH-02, DSH-03, DSH-04, DSH-05, DSH-06]
networks: {polygon: {finality: {blocks: 1}}, optimism: {finality: {blocks: 1}}}
window: 5m
timeout: 30m
monitor: true
checks: []
flows:
  swap:
    pay:    {chain: polygon, at: +20s}
    settle: {chain: optimism, at: +60s, after: pay}
  bad:
    pay:    {chain: polygon, at: +52s}
"""

CHAINS = ("polygon", "optimism")
# Samples are 15 s apart.
HANG_S, FAIL_S, GO_ON_S, DEAD_S, ALIVE_S, DEAR_S, CHEAP_S, END_S = 50, 62, 105, 140, 185, 200, 240, 315
# Values are compared to what a float keeps of them.
CLOSE = 1e-9
Figures = dict[tuple[str, str], dict[tuple[str, ...], float]]


def play(script: Script) -> None:
    """The run, then every panel."""
    if script.run.lab.spec.clock == "real":
        script.note("not exercised", "panels and chains are compared in one second, which needs the virtual clock")
        return
    intruder = role_account("attacker").address.lower()
    for leg in ("swap.pay", "swap.settle", "bad.pay"):
        script.expect_ok(script.buffer(leg))
    script.advance_to(HANG_S)
    script.inject("hang", "relayer_pause")
    script.advance_to(FAIL_S)
    bad = script.run.item.leg("bad.pay").tx_id
    for function in ("resolve_dependency", "mark_failed"):
        script.expect_ok(script.call("polygon", function, bad))
    script.call("optimism", "pause", role="attacker")
    script.expect_ok(script.call("polygon", "add_operator", intruder, role="owner"))
    script.advance_to(GO_ON_S)
    script.heal("hang")
    script.advance_to(DEAD_S)
    script.inject("dead", "node_kill", chain="optimism")
    script.advance_to(ALIVE_S - 5)
    script.heal("dead")
    script.advance_to(DEAR_S)
    script.inject("dear", "base_fee_spike", chain="polygon", factor=40)
    script.advance_to(CHEAP_S)
    script.heal("dear")
    script.expect_ok(script.call("polygon", "remove_operator", intruder, role="owner"))
    script.advance_to(END_S)
    monitor = script.run.monitor
    assert monitor is not None
    # The last sample is of this very second, and so is what the chains say now.
    facts = {chain: Facts(script, chain) for chain in CHAINS}
    expected = figures(facts, script.run.lab.genesis_time + END_S, script.run.lab.operators())
    held = limits(facts, script.run.lab.genesis_time + END_S, took_s(script, facts))
    # Of the one execution there was: it waited for a relayer that hung. Nothing crossed the other way.
    expected["performance", "Slow legs, share"] = {PAIR: float(took_s(script, facts) > allowed_s())}
    with recorded(monitor.log, script.run.lab.backend.reaper) as prometheus:
        compare(script, prometheus, expected)
        compare_limits(script, prometheus, held)
        judge_time(script, prometheus, facts)
        judge_faults(script, prometheus, intruder)
        text = page(monitor.log, monitor.spans(), script.run.item.item, prometheus, Thresholds())
    write_atomically(script.run.lab.spec.folder / FILE, text)
    judge_page(script, text)


PANELS = {(board.uid, panel.title): (board.row, panel) for board in boards(Thresholds()) for panel in board.panels}
PAIR = ("polygon", "optimism")
BY_BUCKET = ("performance", "Cross-chain time, 95%")
# A panel that all of a further row depends on; rows MON-01 to 06 else depend on what panels show of their fault.
ALSO = {("transactions", "Events"): ("MON-04",)}


def shown(prometheus: Recorded, board: str, title: str, second: float | None = None) -> dict[tuple[str, ...], float]:
    """What a panel shows at a second of the run, by default its last: values of labels, by their names -> value."""
    return asked(prometheus, PANELS[board, title][1].expr, second)


def asked(prometheus: Recorded, expr: str, second: float | None = None) -> dict[tuple[str, ...], float]:
    """The same of any expression."""
    values = prometheus.at(expr, None if second is None else prometheus.start_s + second)
    return {
        tuple(text for _, text in sorted(labels)): value for labels, value in values.items() if not math.isnan(value)
    }


def compare(script: Script, prometheus: Recorded, wanted: Figures) -> None:
    """Each panel against the run's own figures; one without a figure to compare with is not met."""
    for (board, title), (row, _) in PANELS.items():
        if (board, title) != BY_BUCKET:
            values, expected = shown(prometheus, board, title), wanted.get((board, title))
            met = expected is not None and same(values, expected)
            rows = (row, *ALSO.get((board, title), ()))
            script.expect(f"{title} to be {expected}", values, met=met, rows=rows)


def compare_limits(script: Script, prometheus: Recorded, wanted: Figures) -> None:
    """Each limit that is a series of its own, likewise."""
    for (board, title), (row, panel) in PANELS.items():
        if panel.limit.expr:
            values, expected = asked(prometheus, panel.limit.expr), wanted.get((board, title))
            met = expected is not None and same(values, expected)
            script.expect(f"the limit of {title} to be {expected}", values, met=met, rows=[row])


def same(values: dict[tuple[str, ...], float], expected: dict[tuple[str, ...], float]) -> bool:
    """Whether the same series have the same values, up to what a float keeps of them."""
    return values.keys() == expected.keys() and all(
        math.isclose(values[key], value, rel_tol=CLOSE) for key, value in expected.items()
    )


def judge_time(script: Script, prometheus: Recorded, facts: dict[str, Facts]) -> None:
    """A histogram keeps a time as its bucket: the percentile lies in that of the one execution there was."""
    took = took_s(script, facts)
    low = max((bound for bound in SECONDS if bound < took), default=0.0)
    high = min(bound for bound in SECONDS if bound >= took)
    value = shown(prometheus, *BY_BUCKET)
    met = list(value) == [PAIR] and low <= value[PAIR] <= high
    words = f"{BY_BUCKET[1]} to be from {low:g} to {high:g} s, as it took {took} s"
    script.expect(words, value, met=met, rows=["DSH-03"])


def judge_faults(script: Script, prometheus: Recorded, intruder: str) -> None:
    """Before, during and after its fault a panel shows what there was."""

    def at(board: str, title: str, *keys: str, seconds: tuple[float, ...]) -> list[float | None]:
        return [shown(prometheus, board, title, second).get(keys) for second in seconds]

    dead = (DEAD_S - 5, ALIVE_S - 6, CHEAP_S)
    up = at("networks", "Up", "optimism", seconds=dead)
    script.expect_equal("up, before, while and after the node was dead", up, [1.0, 0.0, 1.0], rows=["MON-01"])
    if script.run.lab.spec.target.codec.has("paused"):
        paused = at("security", "Emergency stop", "optimism", seconds=dead)
        script.expect_equal("what the contract says, likewise", paused, [0.0, None, 0.0], rows=["MON-01"])
    share = at("transactions", "Failed share", "polygon", seconds=(FAIL_S - 1, DEAD_S))
    script.expect_equal("failed share, before and after one of two failed", share, [0.0, 0.5], rows=["MON-02"])
    low, high = at("networks", "Base fee, times the typical one", "polygon", seconds=(DEAR_S - 4, CHEAP_S - 1))
    spiked = bool(low and high and low < 5 < high)
    script.expect("the base fee to spike", (low, high), met=spiked, rows=["MON-03"])
    lag = at("performance", "Synchronisation lag", *PAIR, seconds=(HANG_S, 90))
    slow = at("performance", "Slow legs, share", *PAIR, seconds=(HANG_S, END_S))
    script.expect_equal("slow legs, before one crossed and of one that waited", slow, [None, 1.0], rows=["DSH-03"])
    script.expect_equal("lag, before and half a minute after the leg was due", lag, [0.0, 30.0], rows=["MON-05"])
    wait = at("performance", "Longest wait at home", "polygon", seconds=(HANG_S, FAIL_S - 1))
    script.expect_equal("wait at home, before and 8 s after a leg was due", wait, [0.0, 8.0], rows=["DSH-03"])
    if "OperatorAdded" not in script.run.lab.spec.target.codec.events:
        script.note("not exercised", "the contract has no event of its operators, by which the exporter knows of one")
        return
    seen = [
        next(
            (value for key, value in shown(prometheus, "operators", "Operators", second).items() if intruder in key), 0
        )
        for second in (FAIL_S - 1, DEAD_S, END_S)
    ]
    script.expect_equal("the undeclared operator, before, while and after", seen, [0, 2, 0], rows=["MON-06"])


def judge_page(script: Script, text: str) -> None:
    """The offline page has every panel of every dashboard."""
    captions = set(re.findall(r"<figcaption>([^<]+?) ?<", text))
    for board in boards(Thresholds()):
        titles = [panel.title for panel in board.panels if panel.title not in captions]
        script.expect_equal(f"panels of {board.title} that the offline page lacks", titles, [], rows=[board.row])


class Facts:
    """What one chain holds now, read without monitoring: head, receipts in order, the contract's own answers."""

    def __init__(self, script: Script, chain: str) -> None:
        lab = script.run.lab
        self.chain, self.reader = chain, lab.reader(chain)
        rpc, codec, target = self.reader.rpc, lab.spec.target.codec, lab.spec.target.address.lower()
        self.head: dict[str, Any] = rpc.block() or {}
        self.events: Counter[str] = Counter(dict.fromkeys(codec.events, 0))
        self.failed: Counter[str] = Counter(dict.fromkeys((*REASONS.values(), "other"), 0))
        self.calls: Counter[tuple[str, str]] = Counter()
        self.fees: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.buffered_s: dict[str, int] = {}
        self.due_s: dict[str, int] = {}
        self.ready_s: dict[str, int] = {}
        self.executed_s: dict[str, int] = {}
        for number in range(1, int(self.head["number"], 16) + 1):
            block = rpc.block(number, full=True) or {}
            for tx in block["transactions"]:
                receipt, second = rpc.receipt(tx["hash"]) or {}, int(block["timestamp"], 16)
                if str(tx["to"]).lower() == target:
                    self._add_call(receipt, codec.decode_call(tx["input"]), second)
                for raw in receipt["logs"]:
                    if raw["address"].lower() == target:
                        self._add_event(raw, second)

    def _add_call(self, receipt: dict[str, Any], call: DecodedCall | None, second: int) -> None:
        assert call is not None
        ok = int(receipt["status"], 16) == 1
        self.calls[call.function, "ok" if ok else "reverted"] += 1
        self.fees[call.function] += int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16)
        if call.function == "pause" and not ok:
            self.refused["pause"] += 1
        if call.function == "mark_executed" and ok:
            self.executed_s[str(call.args["tx_id"])] = second

    def _add_event(self, raw: dict[str, Any], second: int) -> None:
        log = self.reader.codec.decode_log(raw)
        assert log is not None
        self.events[log.event] += 1
        if log.event == "TransactionFailed":
            self.failed[REASONS.get(str(log.args["reason"]), "other")] += 1
        times = {"TransactionBuffered": self.buffered_s, "TransactionReady": self.ready_s}.get(log.event)
        if times is not None:
            times[str(log.args["tx_id"])] = second
        if log.event == "TransactionBuffered":
            self.due_s[str(log.args["tx_id"])] = int(log.args["timestamp"])

    def block_s(self) -> float:
        """Seconds between two blocks."""
        return load_network(self.chain).block_time_ms / 1000

    def wei(self, usd: float) -> float:
        """What so many dollars are in the network's token, at its dated price."""
        return usd * 10**18 / self.usd(10**18)

    def states(self) -> dict[str, int]:
        """Transactions by the state that the contract says."""
        count = Counter(self.reader.state(tx_id) for tx_id in self.buffered_s)
        return {state: count[state] for state in STATES}

    def stages(self) -> dict[str, float]:
        """Mean seconds to READY and to EXECUTED from when they are buffered and due, 0 for none."""
        ends = {"to_ready": self.ready_s, "to_executed": self.executed_s}
        began = {tx_id: max(second, self.due_s[tx_id]) for tx_id, second in self.buffered_s.items()}
        taken = {stage: [s - began[tx_id] for tx_id, s in times.items()] for stage, times in ends.items()}
        return {stage: sum(times) / max(1, len(times)) for stage, times in taken.items()}

    def usd(self, wei: int) -> float:
        """At the dated price of its token."""
        table = prices()
        return wei / 10**18 * table.tokens[table.networks[self.chain].token].usd

    def fee_times(self) -> float:
        """The head's base fee by the network's typical one."""
        return int(self.head["baseFeePerGas"], 16) / (load_network(self.chain).typical_base_fee_wei or 0)

    def mean_fees(self) -> dict[str, float]:
        """By function."""
        number = Counter({f: sum(n for (g, _), n in self.calls.items() if g == f) for f in self.fees})
        return {function: fee / number[function] for function, fee in self.fees.items()}


def took_s(script: Script, facts: dict[str, Facts]) -> int:
    """From the moment when the parent is READY and the child is due to the child's execution elsewhere."""
    settle, pay = (script.run.item.leg(name) for name in ("swap.settle", "swap.pay"))
    due_s = script.run.lab.genesis_time + settle.at_ms // 1000
    return facts["optimism"].executed_s[settle.tx_id] - max(facts["polygon"].ready_s[pay.tx_id], due_s)


def allowed_s(pair: tuple[str, ...] = PAIR) -> float:
    """A block of finality on the origin, three blocks of the target, and the limit on top of that."""
    origin, target = (load_network(name).block_time_ms / 1000 for name in pair)
    return origin + 3 * target + Thresholds().cross_chain_s_max


def limits(facts: dict[str, Facts], now_s: int, took: float) -> Figures:
    """What each panel is held against now, where that is another figure for each series."""
    given = Thresholds()
    share, dollars, dear = given.failed_share_max, given.cost_usd_max, given.base_fee_factor_max
    of_chain: dict[tuple[str, str], Callable[[Facts], float]] = {
        ("transactions", "Transactions by state"): lambda one: share * len(one.buffered_s),
        ("transactions", "Failures by reason"): lambda one: share * len(one.buffered_s),
        ("transactions", "Events"): lambda one: len(one.buffered_s),
        ("networks", "Head"): lambda one: (
            int(one.head["number"], 16)
            + (now_s - int(one.head["timestamp"], 16) - given.stalled_s_max) / one.block_s()
            - 5
        ),
        ("networks", "Age of the head"): lambda one: 5 * one.block_s() + given.stalled_s_max,
        ("networks", "Base fee"): lambda one: dear * (load_network(one.chain).typical_base_fee_wei or 0),
        ("networks", "Reorgs"): lambda one: 0,
        ("operators", "Calls"): lambda one: share * sum(one.calls.values()),
        ("cost", "Fees paid"): lambda one: one.wei(dollars) * len(one.buffered_s),
        ("cost", "Fees paid, dollars"): lambda one: dollars * len(one.buffered_s),
        ("cost", "Fee of a call, mean"): lambda one: one.wei(dollars),
        ("cost", "Balances"): lambda one: (
            one.wei(dollars) * max(1, sum(one.states()[state] for state in ("BUFFERED", "READY")))
        ),
    }
    result: Figures = {p: {(name,): value(one) for name, one in facts.items()} for p, value in of_chain.items()}
    pairs: dict[tuple[str, ...], float] = {pair: allowed_s(pair) for pair in (PAIR, PAIR[::-1])}
    result["performance", "Cross-chain time, 95%"] = result["performance", "Synchronisation lag"] = pairs
    result["performance", "Legs that crossed"] = {PAIR: float(took <= pairs[PAIR]) / 0.95, PAIR[::-1]: 0.0}
    for panel, getter in {
        ("performance", "Stages, mean"): "coordination_window",
        ("security", "Circuit breaker"): "breaker_threshold",
    }.items():
        read = {name: one.reader for name, one in facts.items() if one.reader.codec.has(getter)}
        values = {(name,): float(reader.get(getter)) for name, reader in read.items()}
        result[panel] = {labels: value for labels, value in values.items() if value > 0}
    return result


def figures(facts: dict[str, Facts], now_s: int, operators: tuple[str, ...]) -> Figures:
    """What each panel is to show now: panel -> labels -> value."""
    nothing = ()
    declared = {role: account.address for role in ROLES if (account := role_account(role)).address in operators}
    result: Figures = {
        ("performance", "Legs that crossed"): {PAIR: 1.0, PAIR[::-1]: 0.0},
        ("performance", "Synchronisation lag"): dict.fromkeys((PAIR, PAIR[::-1]), 0.0),
        ("performance", "Relayer's oldest job"): {nothing: 0.0},
        ("operators", "Relayer"): {nothing: 1.0},
        ("operators", "Maintenance"): {nothing: 0.0},
    }
    of_chain: dict[tuple[str, str], Callable[[Facts], float]] = {
        ("transactions", "Failed share"): lambda one: one.failed["execution"] / max(1, len(one.buffered_s)),
        ("transactions", "Overdue"): lambda one: 0,
        ("networks", "Up"): lambda one: 1,
        ("networks", "Head"): lambda one: int(one.head["number"], 16),
        ("networks", "Age of the head"): lambda one: now_s - int(one.head["timestamp"], 16),
        ("networks", "Base fee"): lambda one: int(one.head["baseFeePerGas"], 16),
        ("networks", "Base fee, times the typical one"): Facts.fee_times,
        ("networks", "Reorgs"): lambda one: 0,
        ("performance", "Relayer's queue"): lambda one: 0,
        ("performance", "Longest wait at home"): lambda one: 0,
        ("security", "Contract code"): lambda one: 1,
        ("security", "Owner"): lambda one: 1,
        ("operators", "Undeclared operators"): lambda one: 0,
        ("cost", "Fees paid"): lambda one: sum(one.fees.values()),
        ("cost", "Fees paid, dollars"): lambda one: one.usd(sum(one.fees.values())),
    }
    by_label: dict[tuple[str, str], Callable[[Facts], Mapping[str, float]]] = {
        ("transactions", "Transactions by state"): Facts.states,
        ("transactions", "Failures by reason"): lambda one: one.failed,
        ("transactions", "Events"): lambda one: one.events,
        ("performance", "Stages, mean"): Facts.stages,
        ("security", "Unauthorised calls"): lambda one: one.refused,
        ("cost", "Fee of a call, mean"): Facts.mean_fees,
        ("cost", "Balances"): lambda one: {
            role: float(one.reader.rpc.balance(role_account(role).address)) for role in ("operator", "relayer")
        },
    }
    # A contract without such a getter has nothing to show.
    for panel, getter in {
        ("security", "Emergency stop"): "paused",
        ("security", "Circuit breaker"): "failure_count",
    }.items():
        read = {name: one.reader for name, one in facts.items() if one.reader.codec.has(getter)}
        result[panel] = {(name,): float(reader.get(getter)) for name, reader in read.items()}
    for panel, value in of_chain.items():
        result[panel] = {(name,): value(one) for name, one in facts.items()}
    for panel, values in by_label.items():
        result[panel] = {(name, label): n for name, one in facts.items() for label, n in values(one).items()}
    # The one who came and went is not declared, and would be a 2.
    result["operators", "Operators"] = {
        (address, name, role): 1 for name in facts for role, address in declared.items()
    }
    result["operators", "Calls"] = {(name, *key): n for name, one in facts.items() for key, n in one.calls.items()}
    return result


def test_dashboards(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Run it, then ask every panel."""
    lab_run(SETUP, play)
