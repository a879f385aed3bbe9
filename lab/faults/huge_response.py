"""Answers are larger than any client should hold."""

from __future__ import annotations

from lab.faults.base import Surroundings
from lab.faults.policy import Effect
from lab.faults.requests import RequestFault
from lab.scenario.faults import HugeResponse

MIB = 1024 * 1024


class HugeResponseFault(RequestFault):
    """The answer's result becomes a hex string of that size; the request is forwarded."""

    verb = "bloated the answer of"

    def __init__(self, surroundings: Surroundings, fault_id: str, spec: HugeResponse) -> None:
        super().__init__(surroundings, fault_id, spec)
        self._bytes = spec.mib * MIB

    def on_hit(self, method: str) -> Effect:
        """Bloat."""
        return Effect(twists=(self._bloated,))

    def _bloated(self, body: bytes) -> bytes:
        # Whatever the id is: it comes before the result in what the lab and its nodes write, or it is 1.
        head, _, _ = body.partition(b'"result"')
        if not head.rstrip().endswith((b",", b"{")):
            head = b'{"jsonrpc":"2.0","id":1,'
        return head + b'"result":"0x' + b"0" * self._bytes + b'"}'
