"""The reference relayer: mirrors a parent once it is final, resolves and executes. A guest: it sees RPC URLs only."""

from lab.relayer.clock import Clock, WallClock
from lab.relayer.memory.records import CRASH_POINTS
from lab.relayer.parts import Parts
from lab.relayer.relayer import Relayer

__all__ = ["CRASH_POINTS", "Clock", "Parts", "Relayer", "WallClock"]
