"""What a session of runs and its scenarios are called.

Loaded by every pytest session, with or without scenarios, so it imports next to nothing.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime


def new_run_id() -> str:
    """A name for the evidence of one command: sorts by time, and two started in the same second differ."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"


def text_of(name: str) -> str:
    r"""A file's name as text that every encoding of Unicode takes: bytes that are none are written out as \\xNN."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
