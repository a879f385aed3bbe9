"""Why a contract refuses: a stop in words of its own is told from what concerns one transaction alone."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lab.relayer.reading.refusals import is_shut, is_stopped
from lab.rpc import RpcRefused


@pytest.mark.parametrize(
    ("reason", "getter", "halted", "stopped"),
    [
        ("Hub is halted", True, True, True),
        ("Hub is halted", True, False, False),
        ("Hub is halted", False, True, False),
        ("Transaction not in buffered state", True, True, False),  # documented: the view is not asked
    ],
)
def test_a_stop_in_other_words_is_seen_by_the_view(reason: str, getter: bool, halted: bool, stopped: bool) -> None:
    """Found by the swarm: a relayer that took it for one transaction's refusal came back too late after the stop."""
    codec: Any = SimpleNamespace(has=lambda name: getter)
    reader: Any = SimpleNamespace(get=lambda name, block: halted and block == "pending")
    assert not is_shut(reason)
    assert is_stopped(reason, codec, reader) is stopped


@pytest.mark.parametrize("halted", [True, False])
def test_a_node_without_what_is_pending_says_how_it_is_at_the_head(halted: bool) -> None:
    """Some refuse the tag; the relayer goes by what they have."""

    def get(name: str, block: str = "latest") -> bool:
        if block == "pending":
            raise RpcRefused("eth_call", -32602, "pending block is not available")
        return halted

    codec: Any = SimpleNamespace(has=lambda name: True)
    reader: Any = SimpleNamespace(get=get)
    assert is_stopped("Hub is halted", codec, reader) is halted
