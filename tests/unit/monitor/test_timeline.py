"""The timeline of alerts is what Prometheus makes of recorded series: pending, firing, ended, gaps as gaps."""

from __future__ import annotations

import pytest

from lab.monitor.alerting.limits import Thresholds
from lab.monitor.alerting.timeline import SeriesLog, open_metrics, timeline
from lab.monitor.metrics import Samples

GENESIS = 1_800_000_000
pytestmark = pytest.mark.usefixtures("prometheus_tools")


def recorded(ups: list[float | None], chain: str = "base", **others: list[float | None]) -> SeriesLog:
    """A log of samples of one chain; None: not read."""
    log = SeriesLog(GENESIS)
    for place, up in enumerate(ups):
        samples = Samples()
        samples.add("build_info", 1, "1", "run")
        samples.add("chain_up", up, chain)
        for name, values in others.items():
            samples.add(name, values[place], chain)
        log.add(samples)
    return log


def test_pending_firing_ended() -> None:
    """To the sample: down at 30 s, firing a minute later, ended with the first sample that is up."""
    (span,) = timeline(recorded([1, 1, *[0.0] * 8, 1, 1]))
    assert (span.alert, span.labels, span.severity) == ("ChainDown", {"chain": "base"}, "critical")
    assert (span.pending_s, span.firing_s, span.end_s) == (30, 90, 150)


def test_an_alert_that_never_fired_and_one_that_goes_on() -> None:
    """What does not last for its `for` never fires; what has not ended has no end."""
    short = timeline(recorded([1, 0, 0, 1, 1, 1]))
    assert [(span.pending_s, span.firing_s, span.end_s) for span in short] == [(15, None, 45)]
    lasting = timeline(recorded([1, 0, 0, 0, 0, 0, 0]))
    assert [(span.pending_s, span.firing_s, span.end_s) for span in lasting] == [(15, 75, None)]


def test_a_value_that_was_not_read_is_gone_at_once() -> None:
    """As with a scrape that lacks it: the last value does not stay for five minutes."""
    (span,) = timeline(recorded([1, 0, 0, None, None, None, None, None]))
    assert (span.pending_s, span.firing_s, span.end_s) == (15, None, 45)


def test_timestamps_count_from_the_start() -> None:
    """promtool's clock begins at 0, the chains' does not."""
    moving = recorded(
        [1] * 20,
        chain_head_timestamp_seconds=[GENESIS + 15.0 * n for n in range(20)],
        chain_block_time_seconds=[2.0] * 20,
    )
    assert timeline(moving) == []
    still = recorded([1] * 20, chain_head_timestamp_seconds=[float(GENESIS)] * 20, chain_block_time_seconds=[2.0] * 20)
    assert [(span.alert, span.firing_s) for span in timeline(still)] == [("ChainStalled", 105)]


@pytest.mark.parametrize("chain", ['a"b', "a\\b", "a{b}", "a, alertname=c", "ü"])
def test_names_of_chains_stay_what_they_are(chain: str) -> None:
    """Whatever stands in a label, through promtool and back."""
    (span,) = timeline(recorded([0.0] * 8, chain))
    assert span.labels == {"chain": chain}


def test_thresholds_and_speed_decide() -> None:
    """The same series under other limits."""
    log = recorded([1.0] * 8, chain_base_fee_wei=[300.0] * 8, chain_base_fee_typical_wei=[100.0] * 8)
    assert timeline(log) == []
    (span,) = timeline(log, Thresholds(base_fee_factor_max=2, speed=20))
    assert (span.alert, span.firing_s) == ("BaseFeeHigh", 15)


def test_open_metrics_ends_as_it_must() -> None:
    """Families typed, points with their time, gaps left out."""
    text = open_metrics(recorded([1, None, 0]))
    assert "# TYPE tesseract_chain_up gauge\n" in text
    assert f'tesseract_chain_up{{chain="base"}} 1.0 {GENESIS}\n' in text
    assert f" {GENESIS + 15}\n" not in text.split("# TYPE tesseract_chain_up gauge")[1].split("#")[0]
    assert text.endswith("# EOF\n")
