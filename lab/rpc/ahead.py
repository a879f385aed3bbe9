"""Calls that are handed to a node without waiting for their answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.rpc.errors import RpcFailure

# It has to fit into the buffers of a connection: a node that cannot write its answers stops reading.
AHEAD_MAX = 128


@dataclass(slots=True)
class Ahead:
    """Calls that a node was handed without waiting for its answers, which come before that of any later call."""

    requests: list[dict[str, Any]]
    _read: Callable[[], None]
    answers: list[Any] = field(default_factory=list)
    failure: RpcFailure | None = None

    def results(self) -> list[Any]:
        """The result of each, after waiting for it. Raises an RpcFailure if one of them fails."""
        if self.failure is None and len(self.answers) < len(self.requests):
            self._read()
        if self.failure is not None:
            raise self.failure
        return self.answers
