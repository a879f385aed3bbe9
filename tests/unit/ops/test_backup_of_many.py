"""`lab ops backup` and `restore` of many transactions in every state, over an endpoint that limits ranges of blocks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lab.ops.backup.file import FIELDS, read
from tests.unit.endpoints import Asked, endpoint, forwarded, replied

from .conftest import Site, address
from .killing import ALL_FROM, FACTOR
from .many import OTHER, SOURCE, STATES, Filling, command, hurry

Start = Callable[..., Site]
RANGE_BLOCKS = 1_000
LONG = 10_000 if FACTOR >= ALL_FROM else 200


@dataclass
class Provider:
    """What an endpoint was asked for, and how often it refused a range."""

    url: str = ""
    asked: int = 0
    ranges: int = 0
    refused: int = 0


@contextmanager
def limited(node: str) -> Iterator[Provider]:
    """An endpoint that answers for so many blocks at once, as providers do."""
    provider = Provider()

    def answer(asked: Asked) -> tuple[int, bytes]:
        call: Any = asked.call
        if isinstance(call, list):
            provider.asked += len(call)
            return 200, forwarded(node, asked.body)
        provider.asked += 1
        if call["method"] == "eth_getLogs":
            provider.ranges += 1
            first, last = (int(call["params"][0][key], 16) for key in ("fromBlock", "toBlock"))
            if last - first + 1 > RANGE_BLOCKS:
                provider.refused += 1
                return replied(call, error={"code": -32005, "message": f"query exceeds max range {RANGE_BLOCKS}"})
        return 200, forwarded(node, asked.body)

    with endpoint(answer) as provider.url:
        yield provider


def through(here: Site, url: str) -> None:
    """The source's chain is asked there from now on."""
    session = json.loads(here.session.read_text())
    session["chains"][SOURCE]["rpc_url"] = url
    here.session.write_text(json.dumps(session))


@pytest.mark.parametrize("count", [50, pytest.param(LONG, marks=pytest.mark.reliability)])
def test_every_state_is_restored_on_another_chain(site: Start, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """By the commands, field by field; a second backup asks for what is new only. LAB_TORTURE=20: 10,000 of them."""
    here = site(SOURCE, OTHER)
    Filling(here, count).run()
    hurry(here, monkeypatch)
    backups = here.folder / "backups"
    with limited(here.nodes[SOURCE].url) as provider:
        through(here, provider.url)
        (taken,) = command(here, "backup", "--to", str(backups), "--only", SOURCE)
        assert taken["transactions"] == count
        assert provider.refused, "one request does not reach them all"
        asked, ranges = provider.asked, provider.ranges
        (again,) = command(here, "backup", "--to", str(backups), "--only", SOURCE)
        assert again["sha256"] == taken["sha256"]
        assert (provider.ranges - ranges, provider.asked - asked < asked) == (0, True), "nothing is new"
    file = backups / f"{SOURCE}.backup.json"
    states = Counter(one.state for one in read(file).transactions)
    assert states == {state: STATES.count(state) * count // len(STATES) for state in STATES}
    # Whatever happened to the chain that was lost: nothing more is asked of it.
    restored = command(here, "restore", str(file), "--only", OTHER, "--operator", address("operator"), "--yes")
    assert (restored["differences"], restored["left"]) == ([], [])
    assert restored["fields"] >= count * len(FIELDS)
    assert restored["passed_timestamps"] == count - states["BUFFERED"]
