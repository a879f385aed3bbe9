"""Worlds with a deployed coordinator, whose owner is a real Safe."""

from tests.unit.live.conftest import safe_world, world

__all__ = ["safe_world", "world"]
