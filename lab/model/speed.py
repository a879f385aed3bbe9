"""How many seconds of chain time pass in one of the wall's, where a run is on the real clock."""

from __future__ import annotations

from lab.errors import UsageError

SPEED_MAX = 50


def parse_speed(text: str, source: str = "--speed") -> float:
    """A factor from 1 to 50. Raises UsageError."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= SPEED_MAX:
        raise UsageError(
            f"{source}: expected a number from 1 to {SPEED_MAX}, of seconds of chain time in one of the wall's; "
            f"got {text!r}"
        )
    return speed
