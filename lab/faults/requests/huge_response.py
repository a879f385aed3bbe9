"""Answers are larger than any client should hold."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from lab.faults.context import FaultContext
from lab.faults.kind import FaultKind
from lab.faults.requests.base import RequestFault
from lab.faults.spec import OnRequests
from lab.faults.transport.policy import Effect


class HugeResponse(OnRequests):
    """Answers are huge: more than any client should hold."""

    example: ClassVar[str] = "fault: huge_response\nchain: polygon\nmethods: [eth_getLogs]\nmib: 65\nshare: 0.1"

    fault: Literal["huge_response"]
    mib: int = Field(default=65, ge=1, le=128, description="size of an answer in MiB; the lab's clients take 64")


MIB = 1024 * 1024


class HugeResponseFault(RequestFault):
    """The answer's result becomes a hex string of that size; the request is forwarded."""

    verb = "bloated the answer of"

    def __init__(self, context: FaultContext, fault_id: str, spec: HugeResponse) -> None:
        super().__init__(context, fault_id, spec)
        self._bytes = spec.mib * MIB
        self.hit = Effect(transforms=(self._bloated,))

    def _bloated(self, body: bytes) -> bytes:
        # Whatever the id is: it comes before the result in what the lab and its nodes write, or it is 1.
        head, _, _ = body.partition(b'"result"')
        if not head.rstrip().endswith((b",", b"{")):
            head = b'{"jsonrpc":"2.0","id":1,'
        return head + b'"result":"0x' + b"0" * self._bytes + b'"}'


KIND = FaultKind(
    spec=HugeResponse,
    activate=HugeResponseFault,
    not_drawn="costs memory and time, and is to the relayer what rpc_malformed is",
)
