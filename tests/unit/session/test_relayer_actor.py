"""The relayer as an actor of the virtual clock: what it is told while it is busy is not lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.chains.scheduler import Scheduler
from lab.coordinator import role_account
from lab.evidence import Recorder
from lab.model.records import RelayerMark
from lab.model.session import Session
from lab.session.relayer.actor import RelayerActor

POLL_S, TURN_S = 2, 12


class Slow:
    """A relayer whose every turn takes twelve seconds."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def step(self) -> None:
        self._scheduler.sleep(TURN_S)

    def sooner(self, poll_ms: int) -> None:
        return None

    def close(self) -> None:
        pass

    def abandon(self) -> None:
        pass


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler("virtual")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder(None)


@pytest.fixture
def actor(scheduler: Scheduler, recorder: Recorder, tmp_path: Path) -> RelayerActor:
    session = Session(
        run_id="test",
        backend="process",
        clock="virtual",
        genesis_time=1_800_000_000,
        chains={},
        accounts={},
        key_file="keys.json",
        store_path=str(tmp_path / "relayer.sqlite"),
        poll_interval_ms=POLL_S * 1000,
        state_numbering={},
        abi=[],
    )

    def made(*_: Any, **__: Any) -> Any:
        return Slow(scheduler)

    return RelayerActor(session, {}, role_account("relayer"), scheduler, recorder, made)


def marks(recorder: Recorder) -> list[tuple[int, str]]:
    return [(mark.t_ms // 1000, mark.event) for mark in recorder.records if isinstance(mark, RelayerMark)]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (["stop", "start"], [(0, "start"), (12, "stop"), (12, "start")]),
        (["stop", "start", "stop"], [(0, "start"), (12, "stop")]),
        (["stop", "start", "start"], [(0, "start"), (12, "stop"), (12, "start")]),
        (["stop", "kill", "start"], [(0, "start"), (3, "kill"), (4, "start")]),
        (["start"], [(0, "start")]),
    ],
    ids=["start", "start and stop", "start twice", "killed", "not stopped"],
)
def test_what_it_is_told_while_it_is_about_to_stop_is_not_lost(
    scheduler: Scheduler, recorder: Recorder, actor: RelayerActor, told: list[str], expected: list[tuple[int, str]]
) -> None:
    """It is told one thing a second, and its turn lasts until 12 s."""
    actor.start()
    for second, word in enumerate(told):
        scheduler.advance_to((2 + second) * 1000)
        getattr(actor, word)()
    scheduler.advance_to(20_000)
    assert marks(recorder) == expected
    actor.close()
