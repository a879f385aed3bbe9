"""The first line of a history: everything that a run was set up with."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from lab.model.chain.facts import ChainFacts
from lab.model.checks import DEFAULT_SELECTION, CheckSelection
from lab.model.frozen import Frozen, Record


class Leg(Frozen):
    """One declared transaction of a flow; `after` is the name of its parent leg (`flow.leg`), at most one."""

    name: str
    flow: str
    chain: str
    tx_id: str
    origin: str
    target: str
    payload: str
    after: str | None = None
    timestamp: int


class Header(Record):
    """First line: everything that the run was set up with."""

    type: Literal["header"] = "header"
    scenario: str
    item: str
    seed: int
    clock: Literal["virtual", "real"]
    genesis_time: int
    window_s: int
    chains: dict[str, ChainFacts]
    roles: dict[str, str]
    operators: dict[str, tuple[str, ...]] = Field(description="chain -> operator addresses after set-up")
    legs: tuple[Leg, ...]
    capabilities: tuple[str, ...] = Field(
        description="capabilities of this contract, without those that another one includes (a breaker is a stop)"
    )
    poll_ms: int
    rpc_budget_ms: int
    relayer_steps: int | None = Field(
        default=None,
        description="polls, each with a block, that the relayer declares; None: one poll and 3 blocks",
    )
    relayer_confirmations: int | None = Field(
        default=None,
        description="blocks that the relayer waits for on a parent's chain beyond finality, as it declares",
    )
    requests_per_minute: int | None = Field(
        default=None, description="JSON-RPC calls a minute and chain that the relayer declares as its most"
    )
    execution_order: Literal["ready", "executed"] = Field(
        description="S3: the state that a child's execution needs of its parent"
    )
    checks: CheckSelection = Field(default=DEFAULT_SELECTION, description="so that a history can be judged by itself")

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Left out where nothing is declared or chosen: histories of the reference stay what they were."""
        line: dict[str, Any] = serialize(self)
        for name in ("relayer_steps", "relayer_confirmations", "requests_per_minute"):
            if getattr(self, name) is None:
                line.pop(name, None)
        if self.checks == DEFAULT_SELECTION:
            line.pop("checks", None)
        return line
