"""How long a run goes on once its time line is done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.runner.conclusion import settle as conclusion
from lab.runner.run import Run

BLOCK_MS, POLL_MS = 2_000, 5_000


@pytest.mark.parametrize(
    ("clock", "relayer", "waited_ms"),
    [("real", False, []), ("virtual", False, [2 * BLOCK_MS]), ("real", True, [3 * POLL_MS])],
)
def test_nobody_waits_in_real_time_for_a_relayer_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, clock: str, relayer: bool, waited_ms: list[int]
) -> None:
    """A relayer may still notice something within some polls; without one all is done."""
    waited: list[int] = []
    monkeypatch.setattr(conclusion, "read_store", lambda run: None)
    chain = SimpleNamespace(profile=SimpleNamespace(block_time_ms=BLOCK_MS))
    lab = SimpleNamespace(
        scheduler=SimpleNamespace(clock=clock, now_ms=0, advance_to=waited.append),
        relayer=SimpleNamespace(running=True, idle=True) if relayer else None,
        chains={"polygon": chain},
        close_relayer=lambda: None,
        spec=SimpleNamespace(own_relayer=None),
    )
    asked = SimpleNamespace(poll_ms=POLL_MS) if relayer else None
    item = SimpleNamespace(legs=(), timeout_ms=60_000, relayer=asked)
    run: Any = SimpleNamespace(lab=lab, item=item, faults={}, all_operations=(), now_ms=0, note=lambda *words: None)
    conclusion.settle(cast(Run, run))
    assert waited == waited_ms
