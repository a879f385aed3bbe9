"""A worker's view of one chain: its connections, whether it answers, and how it comes back after an outage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import gevent  # type: ignore[import-untyped]  # has no type information

from lab.load.generator.wire import NoAnswer, Wire
from lab.load.record.plan import Plan, read_urls
from lab.traffic.senders import load_account

PROBE_EVERY_S = 0.2


class ChainClient:
    """Shared by the streams of one worker that send to this chain."""

    def __init__(self, name: str, plan: Plan) -> None:
        self.name = name
        self.busy = 0
        self.down = False
        self._plan = plan
        self._recovered: list[Callable[[], None]] = []
        self.wire = self._open()

    @property
    def free(self) -> bool:
        """Whether another request may be sent now."""
        return not self.down and self.busy < self._plan.connections_max

    def on_recovery(self, act: Callable[[], None]) -> None:
        """Call this once the chain answers again."""
        self._recovered.append(act)

    def suspect(self) -> None:
        """A request failed: find out whether the node still answers, and send nothing before it does."""
        if not self.down:
            self.down = True
            gevent.spawn(self._recover)

    def nonces(self, senders: Sequence[int]) -> list[int | None]:
        """Each sender's next nonce as the node knows it, its pool included. Raises NoAnswer."""
        params = [[load_account(sender).address, "pending"] for sender in senders]
        answers = self.wire.call_many("eth_getTransactionCount", params)
        return [int(answer, 16) if isinstance(answer, str) else None for answer in answers]

    def _open(self) -> Wire:
        url = read_urls(Path(self._plan.folder))[self.name]
        return Wire(url, connections=self._plan.connections_max, timeout_s=self._plan.request_timeout_s)

    def _recover(self) -> None:
        while True:
            probe = self._open()
            try:
                if isinstance(probe.call("eth_blockNumber"), str):
                    break
            except NoAnswer:
                pass
            probe.close()
            gevent.sleep(PROBE_EVERY_S)
        # Requests under way on the old connections end by themselves.
        self.wire, self.down = probe, False
        for act in self._recovered:
            act()
