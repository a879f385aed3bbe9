"""Monitoring of a run: the collector looks at the run's chains every 15 simulated seconds over the lab's connection."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from lab.chains.chain import Chain
from lab.evidence.folder import SAMPLES, write_atomically
from lab.model.records import Note
from lab.monitor.alerting.timeline import INTERVAL_S, AlertSpan, SeriesLog, timeline
from lab.monitor.collect.collector import Collector, Watch
from lab.monitor.collect.json_log import JsonLog
from lab.monitor.collect.relayer import RelayerView, look_at
from lab.rpc import HttpTransport, RpcRefused, Transport
from lab.rpc.prefetch import Request
from lab.runner.run import Run
from lab.scenario.item import RelayerSpec

LOG_FILE = "monitor.jsonl"
BATCH_BLOCKS = 20
TAGS = ("latest", "safe", "finalized")
BLOCK, LOGS = "eth_getBlockByNumber", "eth_getLogs"


class _Look:
    """A transport of the lab's own, which sees a chain as of now.

    As nothing moves meanwhile, what was asked of the head at the last moment is asked again in one request. Empty
    blocks are those that the node showed when they were mined, if hashes lead to them from the head, and have no logs;
    others come many at a time.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._kept = chain.producer.kept = {}
        self._transport: Transport | None = None
        self._outcomes: dict[str, Any] = {}
        self._asked: dict[str, Request] = {}
        self._empty: set[int] = set()

    def begin(self) -> None:
        """Forget what an earlier moment showed."""
        self._transport, self._outcomes = None, {}
        self._empty.clear()

    def call(self, method: str, params: list[Any], timeout_s: float | None = None) -> Any:
        """See `Transport.call`."""
        if self._transport is None:
            transport = self._chain.look().transport
            if isinstance(transport, HttpTransport) and self._asked:
                self._ask(transport, self._asked)
            self._transport, self._asked = transport, {}
        key = _key(method, params)
        if any(tag in params for tag in TAGS):
            self._asked[key] = method, params
        elif key not in self._outcomes:
            self._foresee(self._transport, key, method, params)
        outcome = self._outcomes[key] if key in self._outcomes else self._transport.call(method, params, timeout_s)
        if isinstance(outcome, RpcRefused):
            raise outcome
        if method == BLOCK and params[0] == "latest" and isinstance(outcome, dict):
            self._recall(outcome)
        return outcome

    def _foresee(self, transport: Transport, key: str, method: str, params: list[Any]) -> None:
        if method == BLOCK and params[0][0] == "0":
            self._blocks(transport, params)
        elif method == LOGS:
            first, last = (int(params[0][end], 16) for end in ("fromBlock", "toBlock"))
            if self._empty.issuperset(range(first, last + 1)):
                self._outcomes[key] = []

    def _recall(self, head: dict[str, Any]) -> None:
        number, block_hash = int(head["number"], 16), head["hash"]
        while (block := self._kept.get(number)) is not None and block["hash"] == block_hash:
            if not block["transactions"]:
                self._empty.add(number)
                for full in (True, False):
                    self._outcomes.setdefault(_key(BLOCK, [hex(number), full]), block)
            number, block_hash = number - 1, block["parentHash"]
        for older in [known for known in self._kept if known < int(head["number"], 16)]:
            del self._kept[older]

    def _blocks(self, transport: Transport, params: list[Any]) -> None:
        first, last = int(params[0], 16), self._chain.producer.head.number
        behind = [[hex(number), True] for number in range(first + 1, min(first + BATCH_BLOCKS, last + 1))]
        behind = [block for block in behind if _key(BLOCK, block) not in self._outcomes]
        if isinstance(transport, HttpTransport) and behind:
            self._ask(transport, {_key(BLOCK, block): (BLOCK, block) for block in (params, *behind)})

    def _ask(self, transport: HttpTransport, requests: Mapping[str, Request]) -> None:
        self._outcomes |= zip(requests, transport.many(list(requests.values())), strict=True)


def _key(method: str, params: list[Any]) -> str:
    return f"{method}{params}"


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
        self._looks = {name: _Look(chain) for name, chain in run.lab.chains.items()}
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
