"""The relayer's own metrics: polls and reports, served on 127.0.0.1 only; a port taken is one sentence."""

from __future__ import annotations

import urllib.request

import pytest

from lab.errors import EnvironmentFailure
from lab.relayer.metrics import RelayerMetrics


def test_polls_and_reports_are_served() -> None:
    """As Prometheus reads them."""
    metrics = RelayerMetrics()
    metrics.polled(12.5, idle=False)
    metrics.polled(13.5, idle=True)
    metrics.reported({"event": "rpc_failure", "chain": "base"})
    port = metrics.serve(0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=600) as answer:
        lines = answer.read().decode().splitlines()
    assert "tesseract_relayer_polls_total 2.0" in lines
    assert "tesseract_relayer_last_poll_timestamp_seconds 13.5" in lines
    assert "tesseract_relayer_idle 1.0" in lines
    assert 'tesseract_relayer_reports_total{chain="base",event="rpc_failure"} 1.0' in lines
    for taken in (port, 65_536, -1):
        with pytest.raises(EnvironmentFailure, match="name another port"):
            RelayerMetrics().serve(taken)
