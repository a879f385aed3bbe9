"""The relayer's own metrics, served while it polls: what only it knows, beside what the chains and its store show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lab.errors import EnvironmentFailure

HOST = "127.0.0.1"


class RelayerMetrics(Collector):
    """Polls, the time of the last one in unix seconds, whether there is work, and what was reported, by chain."""

    def __init__(self) -> None:
        self._polls, self._last_s, self._idle = 0, 0.0, True
        self._reports: Counter[tuple[str, str]] = Counter()

    def polled(self, now_s: float, *, idle: bool) -> None:
        """A poll has ended."""
        self._polls, self._last_s, self._idle = self._polls + 1, now_s, idle

    def reported(self, status: dict[str, Any]) -> None:
        """Something that the relayer says on stderr as well."""
        self._reports[str(status.get("event")), str(status.get("chain", ""))] += 1

    def collect(self) -> Iterable[Metric]:
        """As families; asked for in a thread of the server's."""
        yield CounterMetricFamily("tesseract_relayer_polls", "Polls over all chains.", value=self._polls)
        yield GaugeMetricFamily(
            "tesseract_relayer_last_poll_timestamp_seconds", "When the last poll ended.", value=self._last_s
        )
        yield GaugeMetricFamily("tesseract_relayer_idle", "1 while nothing is left to do.", value=float(self._idle))
        reports = CounterMetricFamily(
            "tesseract_relayer_reports", "What it reported, rpc_failure included.", labels=("event", "chain")
        )
        for (event, chain), count in list(self._reports.items()):
            reports.add_metric((event, chain), count)
        yield reports

    def serve(self, port: int) -> int:
        """Serve `/metrics` on 127.0.0.1; the port, which is any where 0 was asked for. Raises EnvironmentFailure."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        try:
            server, _ = start_http_server(port, HOST, registry)
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "expected a port from 0 to 65535"
            raise EnvironmentFailure(
                f"cannot listen on {HOST}:{port}: {reason}; name another port with --metrics-port (0: any)"
            ) from error
        return int(server.server_port)
