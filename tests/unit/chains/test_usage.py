"""What a node uses, by the kernel and by the engine."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from lab.chains.nodes import usage

GONE = 2**22 + 1  # above the kernel's largest process id


def test_this_process_is_seen() -> None:
    before = usage.processor_seconds(os.getpid())
    begin = time.process_time()
    while time.process_time() - begin < 0.1:
        pass
    after = usage.processor_seconds(os.getpid())
    assert before is not None
    assert after is not None
    assert 0.05 < after - before < 5
    assert (usage.resident_bytes(os.getpid()) or 0) > 1 << 20


@pytest.mark.parametrize("pid", [None, GONE])
def test_no_process_no_figure(pid: int | None) -> None:
    assert usage.resident_bytes(pid) is None
    assert usage.processor_seconds(pid) is None


def test_a_number_that_is_another_processs_here_is_not_the_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine elsewhere names its own process ids; the same number runs something else on this machine."""
    groups = {"/proc/7/cgroup": "0::/system.slice/docker-abc123.scope\n", "/proc/8/cgroup": "0::/user.slice\n"}

    def read(path: Path, **_: Any) -> str:
        if str(path) not in groups:
            raise FileNotFoundError(path)
        return groups[str(path)]

    monkeypatch.setattr(Path, "read_text", read)
    assert usage.pid_here(7, "abc123") == 7
    assert usage.pid_here(8, "abc123") is None
    assert usage.pid_here(9, "abc123") is None
    assert usage.pid_here(0, "abc123") is None


@pytest.mark.parametrize(
    ("measured", "memory"),
    [
        ({"memory_stats": {"usage": 100, "stats": {"inactive_file": 30}}}, 70),
        ({"memory_stats": {"usage": 100, "stats": {"total_inactive_file": 20, "inactive_file": 30}}}, 80),
        ({"memory_stats": {"usage": 100}}, 100),
        ({"memory_stats": {}}, None),
        ({}, None),
    ],
)
def test_the_engines_memory_is_without_the_page_cache(measured: dict[str, Any], memory: int | None) -> None:
    assert usage.engine_memory_bytes(measured) == memory


def test_the_engines_processor_time_is_in_seconds() -> None:
    assert usage.engine_cpu_seconds({"cpu_stats": {"cpu_usage": {"total_usage": 2_500_000_000}}}) == 2.5
    assert usage.engine_cpu_seconds({}) is None
