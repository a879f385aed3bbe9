"""Long random sequences of calls against a small model of the rules, kept apart from the contract's own code."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.contracts.conftest import Coordinator

IDS = range(1, 101)
STEPS = 150
THRESHOLD = 4


@dataclass
class Model:
    """What the contract should hold; every method returns the revert reason, or None for success."""

    window: int = 30
    execution_window: int = 0
    paused: bool = False
    failures: list[int] = field(default_factory=list)
    period_end: int = 0
    state: dict[int, str] = field(default_factory=lambda: dict.fromkeys(IDS, "EMPTY"))
    time: dict[int, int] = field(default_factory=dict)
    parent: dict[int, int | None] = field(default_factory=dict)

    def fail(self, number: int, now: int) -> None:
        self.state[number] = "EXPIRED"
        if now >= self.period_end:
            self.period_end = now + 3600
            self.failures = []
        self.failures.append(number)
        self.paused = len(self.failures) >= THRESHOLD

    def buffer(self, number: int, now: int, timestamp: int, parent: int | None) -> str | None:
        if timestamp < now:
            return "Timestamp cannot be in the past"
        if self.state[number] != "EMPTY":
            return "Transaction already exists"
        self.state[number], self.time[number], self.parent[number] = "BUFFERED", timestamp, parent
        return None

    def resolve(self, number: int, now: int) -> str | None:
        if self.state[number] != "BUFFERED":
            return "Transaction not in buffered state"
        parent = self.parent[number]
        if now > self.time[number] + self.window:
            self.fail(number, now)
        elif now >= self.time[number] and (parent is None or self.state[parent] in ("READY", "EXECUTED")):
            self.state[number] = "READY"
        return None

    def late(self, number: int, now: int) -> bool:
        return self.execution_window > 0 and now > self.time[number] + self.window + self.execution_window

    def execute(self, number: int, now: int) -> str | None:
        if self.state[number] != "READY":
            return "Transaction not ready"
        if self.late(number, now):
            return "Execution deadline passed"
        self.state[number] = "EXECUTED"
        return None

    def mark_failed(self, number: int, now: int) -> str | None:
        if self.state[number] != "READY":
            return "Transaction not ready"
        self.fail(number, now)
        return None

    def expire(self, number: int, now: int) -> str | None:
        past = self.state[number] == "BUFFERED" and now > self.time[number] + self.window
        if not past and not (self.state[number] == "READY" and self.late(number, now)):
            return "Transaction not expired"
        self.fail(number, now)
        return None

    def unpause(self) -> None:
        self.paused, self.failures, self.period_end = False, [], 0


@pytest.mark.parametrize("seed", range(8))
def test_the_contract_follows_the_model(coordinator: Coordinator, seed: int) -> None:
    """After every call: the same success or reason, the same states, the same pause and counters."""
    random = Random(f"{seed}/random-walk")
    model = Model()
    coordinator.send("owner", "set_breaker_threshold", THRESHOLD)
    for step in range(STEPS):
        _step(coordinator, model, random)
        now = coordinator.now
        near = _near(model)
        assert {n: coordinator.state(n) for n in near} == {n: model.state[n] for n in near}, f"step {step}"
        assert coordinator.call("paused") is model.paused, f"step {step}"
        assert coordinator.call("failure_count") == (len(model.failures) if now < model.period_end else 0)
        assert coordinator.call("transaction_count") == len(model.time)
    assert {number: coordinator.state(number) for number in IDS} == model.state
    assert {"EXECUTED", "EXPIRED"} <= set(model.state.values()), "a walk that went nowhere proves nothing"


def _near(model: Model) -> range:
    """The ids worth calling: the last few used and the next free one. Older ones have long come to an end."""
    front = max(model.time, default=0)
    return range(max(1, front - 3), min(front + 2, IDS.stop))


def _step(coordinator: Coordinator, model: Model, random: Random) -> None:
    """One random call, made on both sides."""
    coordinator.now = now = coordinator.now + random.choices((0, 1, 5, 31, 1300), weights=(60, 15, 10, 12, 3))[0]
    action = random.choices(("buffer", "resolve", "execute", "mark_failed", "expire", "settings"),
                            weights=(22, 35, 22, 6, 10, 5))[0]  # fmt: skip
    number = random.choice(_near(model))
    # Blind choices seldom get far: most buffers take a free id, most executions a ready one.
    ready = [known for known in _near(model) if model.state[known] == "READY"]
    if random.random() < 0.8 and (action == "buffer" or (action == "execute" and ready)):
        number = ready[0] if action == "execute" else _near(model)[-1]
    if action == "settings":
        model.window, model.execution_window = random.choice((5, 30, 300)), random.choice((0, 10, 60))
        coordinator.send("owner", "set_coordination_window", model.window)
        coordinator.send("owner", "set_execution_window", model.execution_window)
        return
    if action == "buffer":
        timestamp, parent = (
            now + random.choice((-1, 0, 0, 0, 0, 0, 10)),
            random.choice((None, None, None, *_near(model))),
        )
        dependency = bytes(32) if parent is None else coordinator.id(parent)
        args = coordinator.request(number, timestamp=timestamp, dependency_tx_id=dependency)
        name = "buffer_transaction"
    else:
        name = {"resolve": "resolve_dependency", "execute": "mark_executed", "mark_failed": "mark_failed",
                "expire": "expire_transaction"}[action]  # fmt: skip
        args = (coordinator.id(number),)
    if model.paused:
        assert coordinator.reverts("operator", name, *args) == "Coordinator is paused"
        coordinator.send("owner", "unpause")
        model.unpause()
        return
    reason = model.buffer(number, now, timestamp, parent) if action == "buffer" else getattr(model, action)(number, now)
    if reason is None:
        coordinator.send("operator", name, *args)
    else:
        assert coordinator.reverts("operator", name, *args) == reason
