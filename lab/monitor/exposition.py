"""Samples in the text format of Prometheus, by prometheus-client."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from lab.monitor.metrics import METRICS, PREFIX, Distribution, Samples


class SampleCollector(Collector):
    """Gives a registry whatever `look` returns at the moment of a scrape."""

    def __init__(self, look: Callable[[], Samples]) -> None:
        self._look = look

    def collect(self) -> Iterable[Metric]:
        """The families in the order of the catalogue; one without a value is left out."""
        return families(self._look())

    def describe(self) -> Iterable[Metric]:
        """Nothing is asked for at registration."""
        return ()


def families(samples: Samples) -> list[Metric]:
    """One family for each metric that has a value."""
    by_name: dict[str, GaugeMetricFamily | CounterMetricFamily | HistogramMetricFamily] = {}
    for (name, labels), value in samples.values.items():
        metric = METRICS[name]
        family = by_name.get(name)
        if family is None:
            kind = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}
            family = by_name[name] = kind[metric.kind](PREFIX + name, metric.help, labels=metric.labels)
        if isinstance(value, Distribution):
            assert isinstance(family, HistogramMetricFamily)
            family.add_metric(labels, value.cumulative(name), value.total)
        else:
            assert not isinstance(family, HistogramMetricFamily)
            family.add_metric(labels, value)
    return [by_name[name] for name in METRICS if name in by_name]


def text_of(look: Callable[[], Samples]) -> bytes:
    """The answer to a scrape."""
    registry = CollectorRegistry()
    registry.register(SampleCollector(look))
    return generate_latest(registry)
