"""Alerts that no drawn fault makes fire: a real node whose code is changed, a collector whose requests are spent."""

from __future__ import annotations

import pytest

from lab.monitor.alerting.timeline import INTERVAL_S, SeriesLog, timeline
from tests.unit.conftest import StartLab

from .watching import Watched

pytestmark = pytest.mark.usefixtures("prometheus_tools")

CHANGED = "0x60006000fd"


def fired(log: SeriesLog) -> dict[str, tuple[str | None, int | None]]:
    """The chain and the first second of each alert that fired."""
    spans = [span for span in timeline(log) if span.firing_s is not None]
    return {span.alert: (span.labels.get("chain"), span.firing_s) for span in spans}


def test_other_code_is_seen_at_the_next_sample(start_lab: StartLab) -> None:
    """The node alone can change it; the alert names the chain whose code it is, and no other."""
    lab = start_lab("optimism", "polygon")
    watched = Watched(lab, interval_s=INTERVAL_S)
    log = SeriesLog(lab.genesis_time)
    for at_s in range(0, 90, INTERVAL_S):
        if at_s == 45:
            chain = lab.chains["optimism"]
            chain.look().call("anvil_setCode", chain.contract, CHANGED)
        log.add(watched.at(at_s))
    assert fired(log)["ContractCodeChanged"] == ("optimism", 45)
    assert "ContractCodeChanged (polygon)" not in map(str, timeline(log))


def test_a_collector_that_gets_no_request_through_is_stale(start_lab: StartLab) -> None:
    """Two minutes after its last whole look, and the minute that the rule waits."""
    lab = start_lab("optimism")
    watched = Watched(lab, interval_s=INTERVAL_S)
    log = SeriesLog(lab.genesis_time)
    for at_s in range(0, 300, INTERVAL_S):
        if at_s == 45:
            for collector in watched.collector.chains.values():
                collector.metered.per_minute = 1
        log.add(watched.at(at_s))
    whole_s = 30
    chain, firing_s = fired(log)["CollectorStale"]
    assert chain == "optimism"
    assert firing_s is not None
    assert whole_s + 120 + 60 <= firing_s <= whole_s + 120 + 60 + 2 * INTERVAL_S


def test_a_chain_that_was_never_read_in_full_is_stale(start_lab: StartLab) -> None:
    """Since the exporter's start; its endpoint answers, and what was not read has no value."""
    lab = start_lab("optimism", "ethereum")
    watched = Watched(lab, interval_s=INTERVAL_S)
    watched.collector.chains["optimism"].metered.per_minute = 4
    watched.collector.chains["optimism"].metered.begin_poll()
    log = SeriesLog(lab.genesis_time)
    for at_s in range(0, 240, INTERVAL_S):
        log.add(samples := watched.at(at_s))
        assert samples.get("chain_up", "optimism") == 1 or at_s == 0
        unread = ("collect_last_success_timestamp_seconds", "contract_paused", "contract_window_seconds")
        assert not [name for name in unread if samples.get(name, "optimism") is not None]
    alarms = [(str(span), span.firing_s) for span in timeline(log) if span.alert == "CollectorStale"]
    assert [alarm for alarm, _ in alarms] == ["CollectorStale (optimism)"]
    assert alarms[0][1] is not None
    assert 120 + 60 <= alarms[0][1] <= 120 + 60 + 2 * INTERVAL_S
