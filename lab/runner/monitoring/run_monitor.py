"""Monitoring of a run: the collector looks at the run's chains every 15 simulated seconds over the lab's connection."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from lab.evidence.folder import SAMPLES, write_atomically
from lab.model.records import Note
from lab.monitor.alerting.timeline import INTERVAL_S, AlertSpan, SeriesLog, timeline
from lab.monitor.collect.collector import Collector, Watch
from lab.monitor.collect.json_log import JsonLog
from lab.monitor.collect.relayer import RelayerView, look_at
from lab.runner.monitoring.look import Look
from lab.runner.run import Run
from lab.scenario.item import RelayerSpec

LOG_FILE = "monitor.jsonl"


class RunMonitor:
    """Samples a run from its first moment on, and says which alerts the production rules gave for them."""

    def __init__(self, run: Run) -> None:
        self._run = run
        urls = {name: chain.node.url for name, chain in run.lab.chains.items()}
        session = run.lab.session(urls, run.item.relayer or RelayerSpec(2_000, "ready"))
        session = session.model_copy(update={"run_id": run.item.item})
        self._text: list[str] = []
        log = JsonLog(run.item.item, self._text.append, self._now_s)
        watch = Watch(now_s=self._now_s, log=log, relayer=self._relayer, interval_s=INTERVAL_S)
        self._looks = {name: Look(chain) for name, chain in run.lab.chains.items()}
        self._collector = Collector(session, self._looks, watch)
        self.log = SeriesLog(run.lab.genesis_time)
        self._evaluated: tuple[int, list[AlertSpan]] = (0, [])
        self._done = False
        self._sample()

    def _now_s(self) -> float:
        return self._run.lab.genesis_time + self._run.now_ms / 1000

    def _relayer(self) -> RelayerView:
        relayer = self._run.lab.relayer
        return look_at(self._run.lab.store_path, lambda: relayer.running) if relayer is not None else RelayerView()

    def _sample(self) -> None:
        if self._done:
            return
        for look in self._looks.values():
            look.begin()
        self._collector.poll()
        samples = self._collector.samples()
        # Measured on the wall clock: no two runs would have the same file.
        for key in [key for key in samples.values if key[0] == "rpc_request_duration_seconds"]:
            del samples.values[key]
        self.log.add(samples)
        self._run.lab.scheduler.at(self.log.count * INTERVAL_S * 1000, self._sample)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was logged so far, line by line."""
        return [json.loads(text) for text in self._text]

    def spans(self) -> list[AlertSpan]:
        """The alerts up to now. Raises EnvironmentFailure without promtool."""
        if self._evaluated[0] != self.log.count:
            self._evaluated = self.log.count, timeline(self.log)
        return self._evaluated[1]

    def close(self, *, evaluate: bool = True) -> None:
        """Look no more; mark the alerts on the time line, and keep series and alerts beside the history."""
        self._done = True
        spans = self.spans() if evaluate else []
        for span in spans:
            states = (("pending", span.pending_s), ("firing", span.firing_s), ("resolved", span.end_s))
            for word, second in states:
                if second is not None and not (word == "resolved" and span.firing_s is None):
                    text = f"{span} {word}"
                    self._run.recorder.add(
                        Note(t_ms=second * 1000, kind="alert", text=text, chain=span.labels.get("chain"))
                    )
        folder, alerts = self._run.lab.spec.folder, [asdict(span) for span in spans]
        write_atomically(folder / SAMPLES, json.dumps({**self.log.as_json(), "alerts": alerts}) + "\n")
        write_atomically(folder / LOG_FILE, "".join(f"{text}\n" for text in self._text))
