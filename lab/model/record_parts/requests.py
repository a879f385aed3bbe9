"""How often the relayer asked a chain: the line that a history has where its requests come through the proxy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.model.frozen import Record


class Requests(Record):
    """JSON-RPC calls to one chain from `since_ms` to `t_ms`, at all its endpoints; each call of a batch counts.

    Under the real clock only, where a relayer is a process of its own.
    """

    type: Literal["requests"] = "requests"
    chain: str
    since_ms: int
    calls: int
    limited: int = Field(default=0, description="of them answered that there are too many")

    @property
    def per_minute(self) -> float:
        """The rate of these calls."""
        return self.calls * 60_000 / max(1, self.t_ms - self.since_ms)
