"""The names of the files that a load run leaves for its analysis."""

from __future__ import annotations

SAMPLES, OUTAGES = "samples.jsonl", "outages.json"


def blocks_file(chain: str) -> str:
    """The observer's file of a chain."""
    return f"blocks-{chain}.jsonl"
