"""When which alert was pending and firing: Prometheus' own evaluation of the production rules over recorded series.

promtool reads the series as its tests do, is asked for the alerts at every sample, and says what it found there, since
nothing is what the test claims to expect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from lab.errors import EnvironmentFailure
from lab.monitor import tools
from lab.monitor.alerting.alerts import alerts
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.rules import rules_file
from lab.monitor.metrics import METRICS, PREFIX, Distribution, Labels, Samples, numbers, series_names
from lab.owner import temporary_directory

INTERVAL_S = 15
LABELS = ("alertname", "alertstate", "severity", "chain", "origin", "target", "function")
# promtool lives for a moment: to collect its garbage, beside it, is a third of what it costs.
_BRIEF = {"GOGC": "off", "GOMEMLIMIT": "512MiB", "GOMAXPROCS": "1"}
_AT = re.compile(r'^\s*expr: .*of_run!=\\?"(?P<run>\d+)\\?".*, time: (?P<time>\S+),$')
_PAIR = re.compile(r'(?P<key>\w+)="(?P<value>(?:[^"\\]|\\.)*)"')
Row = list[float | None]
Append = Callable[[float | None], None]
_UNIT_S = {"h": 3600, "m": 60, "s": 1}


@dataclass
class SeriesLog:
    """Every series at every sample, `interval_s` apart from `start_s` on; None where a series had no value."""

    start_s: int
    interval_s: int = INTERVAL_S
    count: int = 0
    series: dict[str, Row] = field(default_factory=dict)
    # The same rows by the samples that they come of: a histogram's value adds to some forty of them.
    _rows: dict[tuple[str, Labels], list[Append]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def add(self, samples: Samples) -> None:
        """The next sample."""
        for key, value in samples.values.items():
            rows = self._rows.get(key)
            if rows is None:
                names = series_names(*key)
                rows = self._rows[key] = [self.series.setdefault(name, [None] * self.count).append for name in names]
            if isinstance(value, Distribution):
                for append, number in zip(rows, numbers(value), strict=True):
                    append(number)
            else:
                rows[0](float(value))
        if len(samples.values) < len(self._rows):
            for key in self._rows.keys() - samples.values.keys():
                for append in self._rows[key]:
                    append(None)
        self.count += 1

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> SeriesLog:
        """What `as_json` gave. Raises ValueError for anything else."""
        log: SeriesLog = _SERIES_LOG.validate_python(data)
        if log.interval_s < 1 or any(len(row) != log.count for row in log.series.values()):
            raise ValueError(f"expected {log.count} samples of every series, at least a second apart")
        return log

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        return {"start_s": self.start_s, "interval_s": self.interval_s, "count": self.count, "series": self.series}


_SERIES_LOG = TypeAdapter(SeriesLog)


@dataclass(frozen=True, slots=True)
class AlertSpan:
    """One alert from the sample at which it became pending. `firing_s` and `end_s` None: it did not, or not yet."""

    alert: str
    severity: str
    labels: dict[str, str]
    pending_s: int
    firing_s: int | None
    end_s: int | None

    def __str__(self) -> str:
        where = ", ".join(self.labels.values())
        return f"{self.alert} ({where})" if where else self.alert


def timeline(log: SeriesLog, limits: Thresholds | None = None) -> list[AlertSpan]:
    """Every alert but the watchdog, by time. Raises EnvironmentFailure without promtool."""
    return timelines([log], limits)[0]


def timelines(logs: Sequence[SeriesLog], limits: Thresholds | None = None) -> list[list[AlertSpan]]:
    """The same of many runs, by one evaluation."""
    limits = limits or Thresholds()
    with temporary_directory("alerts") as folder:
        tests = [_test(place, log, limits) for place, log in enumerate(logs) if log.count]
        document = {"rule_files": ["rules.yml"], "evaluation_interval": f"{INTERVAL_S}s", "tests": tests}
        # JSON is YAML, and much faster to write.
        (folder / "rules.yml").write_text(json.dumps(rules_file(limits)), encoding="utf-8")
        (folder / "tests.json").write_text(json.dumps(document), encoding="utf-8")
        code, output = 0, ""
        if tests:
            words = ["test", "rules", "tests.json"]
            code, output = tools.run("promtool", words, folder=folder, environment=_BRIEF)
    if code != 0 and "FAILED" not in output:
        raise EnvironmentFailure(f"promtool could not evaluate the rules: {output[:400]}")
    states = _states(output)
    return [_spans(states.get(place, {}), log) for place, log in enumerate(logs)]


def _test(place: int, log: SeriesLog, limits: Thresholds) -> dict[str, Any]:
    asked = {name for alert in alerts(limits) for name in re.findall(rf"{PREFIX}\w+", alert.expr)}
    series = [
        {"series": name, "values": " ".join(_values(name, values, log.start_s))}
        for name, values in log.series.items()
        if name.partition("{")[0] in asked
    ]
    times = [f"{at * log.interval_s}s" for at in range(log.count)]
    # promtool names no test, so that the question says of which run it is: no series has such a label.
    expr = f'count by ({", ".join(LABELS)}) (ALERTS{{alertname!="Watchdog", of_run!="{place}"}})'
    questions = [{"expr": expr, "eval_time": at, "exp_samples": []} for at in times]
    return {"interval": f"{log.interval_s}s", "input_series": series, "promql_expr_test": questions}


def _values(name: str, values: Sequence[float | None], start_s: int) -> list[str]:
    """As promtool reads them. Its clock begins at 0; a series that ends is stale at once, as one not scraped is."""
    shift = start_s if "_timestamp_seconds" in name else 0
    written, before = [], False
    for value in values:
        written.append(f"{value - shift!r}" if value is not None else "stale" if before else "_")
        before = value is not None
    return written


def _states(output: str) -> dict[int, dict[int, list[dict[str, str]]]]:
    """What promtool found: run -> second -> labels of each alert."""
    states: dict[int, dict[int, list[dict[str, str]]]] = {}
    run = second = 0
    for line in output.splitlines():
        if at := _AT.match(line):
            run, second = int(at["run"]), _seconds(at["time"])
        elif line.strip().startswith("got: {"):
            text = re.sub(r'"(?:[^"\\]|\\.)*"', lambda match: match[0].replace("{", "\\x7b"), line)
            parts = text.split("{")[1:]
            labels = [{pair["key"]: _plain(pair["value"]) for pair in _PAIR.finditer(part)} for part in parts]
            states.setdefault(run, {})[second] = labels
    return states


def _plain(value: str) -> str:
    return value.replace("\\x7b", "{").replace('\\"', '"').replace("\\\\", "\\")


def _seconds(text: str) -> int:
    return sum(int(number) * _UNIT_S[unit] for number, unit in re.findall(r"(\d+)([hms])", text))


def _spans(states: dict[int, list[dict[str, str]]], log: SeriesLog) -> list[AlertSpan]:
    spans: list[AlertSpan] = []
    open_spans: dict[tuple[tuple[str, str], ...], AlertSpan] = {}
    for second in range(0, log.count * log.interval_s, log.interval_s):
        now: dict[tuple[tuple[str, str], ...], tuple[dict[str, str], bool]] = {}
        for labels in states.get(second, []):
            firing = labels.get("alertstate") == "firing"
            key = tuple((name, value) for name, value in labels.items() if name != "alertstate")
            now[key] = labels, firing or now.get(key, ({}, False))[1]
        for key in [key for key in open_spans if key not in now]:
            spans.append(_changed(open_spans.pop(key), end_s=second))
        for key, (labels, firing) in now.items():
            span = open_spans.get(key)
            if span is None:
                where = {name: value for name, value in key if name not in ("alertname", "severity")}
                span = AlertSpan(labels["alertname"], labels.get("severity", ""), where, second, None, None)
            if firing and span.firing_s is None:
                span = _changed(span, firing_s=second)
            open_spans[key] = span
    return sorted([*spans, *open_spans.values()], key=lambda span: (span.pending_s, str(span)))


def _changed(span: AlertSpan, **fields: int) -> AlertSpan:
    return AlertSpan(**{**asdict(span), **fields})


def open_metrics(log: SeriesLog) -> str:
    """The series as OpenMetrics with timestamps, for `promtool tsdb create-blocks-from openmetrics`."""
    lines: list[str] = []
    for metric, described in METRICS.items():
        name = f"{PREFIX}{metric}"
        family = name.removesuffix("_total") if described.kind == "counter" else name
        suffixes = ("_bucket", "_sum", "_count") if described.kind == "histogram" else ("",)
        lines.append(f"# TYPE {family} {described.kind}")
        for suffix in suffixes:
            for series, values in log.series.items():
                if series.partition("{")[0] == name + suffix:
                    lines += _points(series, values, log)
    return "\n".join([*lines, "# EOF", ""])


def _points(series: str, values: Sequence[float | None], log: SeriesLog) -> list[str]:
    at = range(log.start_s, log.start_s + log.count * log.interval_s, log.interval_s)
    return [f"{series} {value!r} {second}" for second, value in zip(at, values, strict=True) if value is not None]
