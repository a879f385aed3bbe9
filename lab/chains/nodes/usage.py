"""What a node's process uses, read from the operating system: the same figure for a child process and a container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil


def resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process, the node's own code pages included; None when there is no such process."""
    try:
        return None if pid is None else int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def processor_seconds(pid: int | None) -> float | None:
    """Processor time that a process has used, user and system, in seconds; None when there is no such process."""
    try:
        times = None if pid is None else psutil.Process(pid).cpu_times()
    except psutil.Error:
        return None
    return None if times is None else float(times.user + times.system)


def listening_port(pid: int) -> int | None:
    """The port on which a process listens, None for none."""
    try:
        connections = psutil.Process(pid).net_connections(kind="tcp4")
    except psutil.Error:
        return None
    return next((connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN), None)


def pid_here(pid: int, container_id: str) -> int | None:
    """The first process of a container if this machine can see it: the engine may run in another one, or in a VM.

    There the same number may be somebody else's process, so the kernel is asked what container it belongs to.
    """
    try:
        return pid if pid > 0 and container_id in Path(f"/proc/{pid}/cgroup").read_text(encoding="ascii") else None
    except OSError:
        return None


def engine_memory_bytes(measured: dict[str, Any]) -> int | None:
    """Memory in a Docker engine's figures, without the page cache, which the kernel takes back at will."""
    memory = measured.get("memory_stats", {})
    details = memory.get("stats", {})
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return int(memory["usage"]) - int(cache) if "usage" in memory else None


def engine_cpu_seconds(measured: dict[str, Any]) -> float | None:
    """Processor time in a Docker engine's figures, in seconds."""
    used = measured.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage")
    return None if used is None else int(used) / 1e9
