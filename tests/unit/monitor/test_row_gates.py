"""Each of the 21 rows of monitoring falls when its own thing is broken, and no other row falls with it.

What the scenarios judge by is played over prepared answers, right ones but for one; the verdict is made as of any run,
and a row falls where the verdict of one of its proofs does.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from lab.checks import CHECKS
from lab.checks.verdict import judge_recorded
from lab.evidence import Recorder
from lab.model.checks import CheckSelection
from lab.model.records import Note
from lab.model.verdict import RunVerdict, Verdict
from lab.monitor.alerting.alerts import Alert, alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.timeline import AlertSpan
from lab.monitor.dashboards.boards import boards
from lab.report.catalogue.rows import load_catalogue
from lab.runner.run import Run
from lab.runner.script import Script
from lab.runner.steps.judging import expect
from lab.scenario.expectations import AlertExpectation
from lab.scenario.resolve import load_scenario

from ..report.fakes import header
from .test_gates import SCENARIOS, module

NUMBERS = range(1, 7)
IDS = [f"{part}-{number:02d}" for part in ("MON", "ALR", "DSH") for number in NUMBERS] + ["OPS-03", "INF-03", "PSC-06"]
ROWS = {row.id: row for row in load_catalogue().rows if row.id in IDS}
ALERTS = {alert.name: alert for alert in alerts(Thresholds())}
NO_CHECKS = CheckSelection(default=False, added=(), removed=())
INTRUDER = "0xa3"
Broken = str | tuple[str, ...] | None
Monitored = tuple[str, Callable[[Recorder, Broken], None]]


class Prepared(Script):
    """A script whose run only records: what it sends succeeds, and time is nothing."""

    def __init__(self, recorder: Recorder, capabilities: tuple[str, ...] = ("stop",), **run: Any) -> None:
        item = SimpleNamespace(
            file="scenario.py", clock="virtual", leg=lambda name: SimpleNamespace(tx_id=name, at_ms=20_000)
        )
        lab = SimpleNamespace(
            genesis_time=0,
            spec=SimpleNamespace(
                target=SimpleNamespace(
                    codec=SimpleNamespace(events=("OperatorAdded",), has=lambda *functions: True),
                    address="",
                    capabilities=capabilities,
                )
            ),
        )
        super().__init__(
            cast(
                Any,
                SimpleNamespace(
                    **{"now_ms": 0, "recorder": recorder, "item": item, "lab": lab, "leave_out": list} | run
                ),
            )
        )

    def note(self, kind: str, text: str, chain: str | None = None) -> None:
        """It is recorded."""
        self.run.recorder.add(Note(t_ms=0, kind=kind, text=text, chain=chain))

    def call(self, *words: Any, **more: Any) -> Any:
        """Nothing is sent."""

    def calls(self, calls: Any) -> list[Any]:
        """Nothing is sent."""
        return [None] * len(calls)

    def expect_ok(self, pending: Any, *, because: str | None = None) -> None:
        """Nothing was sent."""

    def inject(self, fault_id: str, kind: str, **parameters: Any) -> None:
        """No fault."""

    def heal(self, fault_id: str) -> None:
        """No fault."""


@cache
def scenario(name: str) -> ModuleType:
    """One written in Python, loaded once."""
    return module(name)


# What panels show while something is wrong: row -> panel -> labels -> second -> value.
def faults() -> dict[str, tuple[tuple[str, str], dict[float, dict[tuple[str, ...], float]]]]:
    """As the scenario expects it."""
    one = scenario("test_dashboards")
    dead = (one.DEAD_S - 5, one.ALIVE_S - 6, one.CHEAP_S)
    operators = {one.FAIL_S - 1: {}, one.DEAD_S: {(INTRUDER, "polygon", "undeclared"): 2.0}, one.END_S: {}}
    up = [{("optimism",): value} for value in (1.0, 0.0, 1.0)]
    return {
        "MON-01": (("networks", "Up"), dict(zip(dead, up, strict=True))),
        "MON-02": (
            ("transactions", "Failed share"),
            {one.FAIL_S - 1: {("polygon",): 0.0}, one.DEAD_S: {("polygon",): 0.5}},
        ),
        "MON-03": (
            ("networks", "Base fee, times the typical one"),
            {one.DEAR_S - 4: {("polygon",): 1.0}, one.CHEAP_S - 1: {("polygon",): 9.0}},
        ),
        "MON-05": (
            ("performance", "Synchronisation lag"),
            {one.HANG_S: {one.PAIR: 0.0}, 90: {one.PAIR: 30.0}},
        ),
        "MON-06": (("operators", "Operators"), operators),
    }


class Prometheus:
    """Answers what panels ask: 3 at the end of the run, and before it what its faults did. `wrong` is off by one."""

    start_s = 0

    def __init__(self, wrong: Broken) -> None:
        one = scenario("test_dashboards")
        during = {panel: values for panel, values in faults().values()}
        during["security", "Emergency stop"] = {s: {("optimism",): 0.0} for s in (one.DEAD_S - 5, one.CHEAP_S)}
        during["performance", "Longest wait at home"] = {
            second: {("polygon",): value} for second, value in ((one.HANG_S, 0.0), (one.FAIL_S - 1, 8.0))
        }
        during["performance", "Slow legs, share"] = {one.END_S: {one.PAIR: 1.0}}
        self._of = {panel.expr: (key, during.get(key, {})) for key, (_, panel) in one.PANELS.items()}
        self._rows = {panel: row for row, (panel, _) in faults().items()}
        self._wrong, self._bucket = wrong, one.BY_BUCKET
        self._pair = one.PAIR

    def at(self, expr: str, second: float | None = None) -> dict[frozenset[tuple[str, str]], float]:
        """Labels with names in the order of their values."""
        if expr not in self._of:
            return {frozenset({("l0", "polygon")}): 103.0 if self._wrong == ("limit", expr) else 3.0}
        key, during = self._of[expr]
        if second is None:
            answer = {self._pair: 12.0} if key == self._bucket else {("polygon",): 3.0}
            off = 100.0 if self._wrong == key else 0.0
        else:
            answer = during.get(second, {})
            off = 100.0 if self._wrong in (key, self._rows.get(key, key)) else 0.0
            answer = {(): 1.0} if off and not answer else answer
            answer = {} if off and key == ("operators", "Operators") else answer
        return {frozenset((f"l{i}", text) for i, text in enumerate(names)): v + off for names, v in answer.items()}


def dashboards(recorder: Recorder, wrong: Broken) -> None:
    """Every panel at the end of the run, in its faults, and on the offline page."""
    one = scenario("test_dashboards")
    script = Prepared(recorder)
    wanted = {key: {("polygon",): 3.0} for key in one.PANELS if key != one.BY_BUCKET}
    prometheus = Prometheus(wrong)
    one.compare(script, prometheus, wanted)
    one.compare_limits(script, prometheus, {key: {("polygon",): 3.0} for key in one.PANELS})
    times = SimpleNamespace(ready_s={"swap.pay": 20}, executed_s={"swap.settle": 32})
    one.judge_time(script, prometheus, {"polygon": times, "optimism": times})
    one.judge_faults(script, prometheus, INTRUDER)
    text = "".join(f"<figcaption>{title}<" for board, title in one.PANELS if wrong != ("page", board, title))
    one.judge_page(script, text)


def logs(recorder: Recorder, wrong: Broken) -> None:
    """One call of each account, logged and counted."""
    one = scenario("test_logs")
    sender = one.role_account("attacker").address.lower()
    line = {"ts": 1, "run": "r", "chain": "polygon", "block": 7}
    refused = {"function": "pause", "ok": False, "reason": "Only owner can pause"}
    lines = [
        line | {"event": "call", "tx": "0x1", "sender": "0xb", "function": "f", "ok": True, "reason": None},
        line | {"event": "TransactionBuffered", "tx": "0x1"},
        line | {"event": "call", "tx": "0x9", "sender": sender} | refused,
    ]
    counted = {"events_total": {"event": "TransactionBuffered"}, "unauthorized_calls_total": {"function": "pause"}}
    series = {
        one.series_name(f"{one.PREFIX}{name}", {"chain": "polygon", **labels}): [0.0 if wrong == name else 1.0]
        for name, labels in (counted | {"chain_reorgs_total": {}}).items()
    }
    if wrong == "line":
        del lines[1]
    if wrong == "sender":
        lines[2]["sender"] = "0xb"
    script = Prepared(
        recorder,
        item=SimpleNamespace(item="r", file="test_logs.py", clock="virtual"),
        monitor=SimpleNamespace(lines=lines, log=SimpleNamespace(series=series)),
        lab=SimpleNamespace(
            spec=SimpleNamespace(
                target=SimpleNamespace(
                    address="0xc",
                    codec=SimpleNamespace(decode_log=lambda raw: SimpleNamespace(event="TransactionBuffered")),
                )
            )
        ),
    )
    receipts = {"polygon": [{"transactionHash": "0x1", "to": "0xc", "blockNumber": "0x7", "logs": [{}]}]}
    one.judge_metrics(script, receipts)
    one.judge_log(script, receipts)
    one.judge_intruder(script, SimpleNamespace(revert="Only owner can pause"))


def live(recorder: Recorder, wrong: Broken, capabilities: tuple[str, ...] = ("stop",)) -> None:
    """Every message arrives but one; with `heard` the team hears of what is held back."""
    one, patch = scenario("test_live"), pytest.MonkeyPatch()
    script, ops = Prepared(recorder, capabilities), SimpleNamespace(operation=None, executor=lambda: None)
    numbers = "1 of 2"

    class Sink:
        alerts: tuple[()] = ()
        begun = 0
        dead = False

        def find(self, name: str, status: str = "firing", **labels: str) -> dict[str, Any] | None:
            held = self.begun == 1 and name in one.MEANWHILE
            if wrong == name or (held and wrong != "heard"):
                return None
            words = {"description": numbers, "runbook_url": ALERTS[name].runbook}
            return {"labels": {"severity": "critical"}, "annotations": words}

    sink = Sink()

    def begin(*words: Any, **more: Any) -> Any:
        sink.begun += 1
        return SimpleNamespace(chains=(), exit_code=0)

    class Live(one.Live):  # type: ignore[misc, name-defined]
        child = SimpleNamespace(pid=0)
        alertmanager = SimpleNamespace(url="", ready=lambda: True)
        folder = Path()

        def __init__(self) -> None:
            self.script, self.sink = script, sink

        def until(self, what: str, done: Callable[[], bool], within_s: int = 0) -> bool:
            return done()

        def figure(self, series: str) -> float:
            return 0.0

        def quiet(self, name: str) -> bool:
            return wrong != "not held back"

        def held_back(self, name: str) -> tuple[bool, bool]:
            return True, True

        def silences(self) -> list[str]:
            return ["expired" if wrong != "silence" else "active"]

    class Watched:
        def __enter__(self) -> Live:
            return Live()

        def __exit__(self, *error: object) -> None:
            """Nothing ran."""

    with patch.context() as changed:
        changed.setattr(one, "watched", lambda script: Watched())
        changed.setattr(one, "break_everything", lambda live: None)
        changed.setattr(one, "change_code", lambda live: lambda: None)
        changed.setattr(one, "hanging", lambda live: nullcontext())
        changed.setattr(one, "ScenarioOps", lambda *words, **more: ops)
        changed.setattr(one, "maintenance", SimpleNamespace(begin=begin))
        one.play(script)


def configuration(recorder: Recorder, wrong: Broken) -> None:
    """What the servers say that they loaded."""
    rules = [{"name": name} for name in ALERTS if name != wrong]
    prometheus = SimpleNamespace(get=lambda path: {"data": {"groups": [{"rules": rules}]}})
    text = "" if wrong == "routes" else 'alertname="Maintenance"'
    alertmanager = SimpleNamespace(get=lambda path: {"config": {"original": text}})
    scenario("test_config").loaded(Prepared(recorder), prometheus, alertmanager, Thresholds())


def virtual(name: str) -> Monitored:
    """A scenario file: its alerts fire when they shall but for one."""
    (item,) = load_scenario(SCENARIOS / f"{name}.yaml", known_checks=CHECKS)

    def play(recorder: Recorder, wrong: Broken) -> None:
        clock = SimpleNamespace(now_ms=0)
        clock.advance_to = lambda ms: setattr(clock, "now_ms", ms)
        run = Run(item, cast(Any, SimpleNamespace(scheduler=clock, watch=None)), recorder, cast(Any, None))
        for step in item.steps:
            if isinstance(one := step.condition, AlertExpectation):
                end_s = 1 if one.state == "resolved" else None
                labels = {"chain": one.chain} if one.chain else {}
                fired = one.alert is not None and one.alert != wrong
                spans = [AlertSpan(one.alert or "", "critical", labels, 0, 0, end_s)] if fired else []
                run.monitor = cast(Any, SimpleNamespace(spans=lambda spans=spans: spans))
                expect(run, step)

    return f"monitoring/{name}", play


def all_of() -> list[Monitored]:
    """Every scenario of monitoring."""
    written: list[Monitored] = [
        ("monitoring/test_dashboards", dashboards),
        ("monitoring/test_logs", logs),
        ("monitoring/test_live", live),
        ("monitoring/test_config", configuration),
    ]
    return [*written, *(virtual(path.stem) for path in sorted(SCENARIOS.glob("*.yaml")))]


PLAYS = all_of()


def fallen(wrong: Broken, only: str | None = None) -> set[str]:
    """The rows that FAIL; the others of the 21 are PASS."""
    verdicts: dict[str, RunVerdict] = {}
    for name, play in PLAYS:
        recorder = Recorder(None)
        recorder.add(header())
        play(recorder, wrong if only in (None, name) else None)
        verdicts[f"scenarios/{name}.yaml"] = judge_recorded(recorder.history(), NO_CHECKS, "")
    of_row = {
        row.id: {
            verdict.of_row(row.id).verdict for p in row.proofs for file, verdict in verdicts.items() if p.matches(file)
        }
        for row in ROWS.values()
    }
    assert all(found <= {Verdict.PASS, Verdict.FAIL} and found for found in of_row.values()), of_row
    return {row for row, found in of_row.items() if Verdict.FAIL in found}


def test_the_rows_are_those_of_monitoring() -> None:
    """And none falls when all is well."""
    assert len(ROWS) == len(IDS) == 21
    assert fallen(None) == set()


@pytest.mark.parametrize("board", boards(Thresholds()), ids=lambda board: board.row)
def test_a_wrong_panel_takes_its_dashboard(board: Any) -> None:
    """And beside it only the row that this very panel shows; a wrong limit, or one that the page lacks, it alone."""
    shown = {panel: row for row, (panel, _) in faults().items()}
    shown |= {("transactions", "Events"): "MON-04", ("security", "Emergency stop"): "MON-01"}
    for panel in board.panels:
        key = (board.uid, panel.title)
        assert fallen(key, "monitoring/test_dashboards") == {board.row, *([shown[key]] if key in shown else [])}, key
        if panel.limit.expr:
            assert fallen(("limit", panel.limit.expr), "monitoring/test_dashboards") == {board.row}
    assert fallen(("page", board.uid, board.panels[0].title)) == {board.row}


ONE_ROW = {
    **{row: row for row in faults()},
    "events_total": "MON-04",
    "line": "INF-03",
    "chain_reorgs_total": "INF-03",
    "sender": "OPS-03",
    "heard": "ALR-06",
    "silence": "ALR-06",
    "not held back": "ALR-06",
    "routes": "PSC-06",
}


@pytest.mark.parametrize("wrong", ONE_ROW)
def test_what_belongs_to_one_row_takes_that_row(wrong: str) -> None:
    """Figures in a fault, counters, lines of the log, the maintenance, what was loaded."""
    assert fallen(wrong) == {ONE_ROW[wrong]}


def test_every_alert_is_seen_live() -> None:
    """By real servers: a new alert needs its fault there. What does not end with the rest ends before or after it."""
    one = scenario("test_live")
    assert set(one.WHERE) == set(ALERTS)
    assert {one.ENDED_BEFORE, one.ENDLESS, one.LAST} < set(ALERTS)


def test_without_a_stop_only_the_maintenance_stays_open() -> None:
    """It begins with one; the alerts that need none are seen."""
    recorder = Recorder(None)
    recorder.add(header())
    live(recorder, None, capabilities=())
    verdict = judge_recorded(recorder.history(), NO_CHECKS, "")
    rows = {judged.row: judged.verdict for judged in verdict.rows}
    assert verdict.verdict is Verdict.PASS
    left = {row for row, judged in rows.items() if judged is Verdict.NOT_EXERCISED}
    assert left == set(scenario("test_live").MAINTENANCE)
    assert all("the contract lacks stop" in verdict.of_row(row).reasons[0] for row in left)
    assert {row for row, judged in rows.items() if judged is Verdict.PASS} == {
        *(alert.row for alert in ALERTS.values() if alert.name != "Maintenance"),
        "OPS-03",
    }


def test_an_alert_that_does_not_fire_takes_its_row() -> None:
    """By the recorded samples and by the message that does not arrive, each; OPS-03 is about one of them, too."""
    rows = set()
    for alert in ALERTS.values():
        for name in (name for name, play in PLAYS if expects(play, alert)):
            also = {"OPS-03"} if alert.name == "UnauthorizedCalls" and name == "monitoring/test_live" else set()
            assert fallen(alert.name, name) == {alert.row, *also}, (alert.name, name)
            rows.add(alert.row)
    assert rows >= {f"ALR-{number:02d}" for number in NUMBERS}


def expects(play: Callable[[Recorder, Broken], None], alert: Alert) -> bool:
    """Whether a scenario records something that depends on this alert."""
    recorder = Recorder(None)
    recorder.add(header())
    play(recorder, alert.name)
    verdict = judge_recorded(recorder.history(), NO_CHECKS, "")
    return verdict.verdict is Verdict.FAIL and play is not configuration
