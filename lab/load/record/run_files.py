"""The names of the files that a load run leaves for its analysis."""

from __future__ import annotations

from pathlib import Path

SAMPLES, OUTAGES = "samples.jsonl", "outages.json"


def worker_file(folder: Path, rank: int) -> Path:
    """A generator worker's report of itself."""
    return folder / f"worker-{rank}.json"


def attempts_file(folder: Path, rank: int) -> Path:
    """What a generator worker noted of each transaction that it sent."""
    return folder / f"attempts-{rank}.bin"


def worker_files(folder: Path) -> list[Path]:
    """Those that are there."""
    return sorted(folder.glob("worker-*.json"))


def blocks_file(chain: str) -> str:
    """The observer's file of a chain."""
    return f"blocks-{chain}.jsonl"
