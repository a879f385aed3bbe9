"""In real time an item more begins once there is room for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.plugin import admission
from lab.plugin.admission import IDLE_SHARE, PATIENCE_S, admit, await_room
from lab.plugin.side_by_side import ADMISSION, usable_cores

BUSY, IDLE = IDLE_SHARE - 0.01, IDLE_SHARE


def looked(shares: list[float], looks: int) -> int:
    """How often a worker looked that found these shares idle, one after the other."""
    left = list(shares)
    await_room(looks, lambda: left.pop(0), lambda: 0.0)
    return len(shares) - len(left)


def test_room_is_what_several_looks_on_end_find() -> None:
    """What another worker has begun meanwhile makes it count anew."""
    assert looked([IDLE, BUSY, BUSY], 1) == 1
    assert looked([BUSY, BUSY, IDLE, BUSY], 1) == 3
    assert looked([IDLE, IDLE, BUSY, IDLE, IDLE, IDLE, BUSY], 3) == 6


def test_a_machine_that_stays_busy_is_waited_for_with_patience() -> None:
    """Whatever keeps it busy may never end."""
    seconds = iter(range(1_000))
    await_room(1, lambda: 0.0, lambda: float(next(seconds)))
    assert next(seconds) == PATIENCE_S + 1


@pytest.mark.parametrize(
    ("given", "looks"),
    [
        ({ADMISSION: True, "workerid": "gw0"}, None),
        ({ADMISSION: True, "workerid": "gw1"}, None),
        ({ADMISSION: True, "workerid": "gw2"}, 1),
        ({ADMISSION: True, "workerid": "gw4"}, 3),
        ({ADMISSION: True, "workerid": "gw15"}, admission.LOOKS_MAX),
        ({ADMISSION: False, "workerid": "gw2"}, None),
        ({"workerid": "gw2"}, None),
        (None, None),
    ],
)
def test_who_looks(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any] | None, looks: int | None) -> None:
    """Workers beyond one for each of two cores, and none where somebody chose how many there are."""
    awaited: list[int] = []
    monkeypatch.setattr(admission, "usable_cores", lambda: [0, 1])
    monkeypatch.setattr(admission, "await_room", lambda looks, idle_share: awaited.append(looks))
    config = SimpleNamespace() if given is None else SimpleNamespace(workerinput=given)
    admit(cast("pytest.Config", config))
    assert awaited == ([] if looks is None else [looks])


def test_an_idle_share_is_one() -> None:
    """Of the cores of this machine, whatever they do now."""
    share = admission._idle_share(usable_cores())
    assert 0 <= share <= 1
