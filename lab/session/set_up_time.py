"""How long set-up takes on the wall: genesis is set that far ahead, so that a run in real time can begin at it."""

from __future__ import annotations

# Before the first set-up of this process was measured: a guess on the safe side.
SET_UP_S, SET_UP_CHAIN_S = 1.0, 0.25
# What is set aside after that: a bit more than the slowest took.
MARGIN_S, MARGIN_FACTOR = 0.2, 2.0


class SetUpTime:
    """Learnt from every set-up of this process, whatever its clock: the work is the same."""

    def __init__(self) -> None:
        self._slowest_chain_s: float | None = None

    def expected_s(self, chains: int) -> float:
        """How long to set aside for so many chains."""
        if self._slowest_chain_s is None:
            return SET_UP_S + SET_UP_CHAIN_S * chains
        return MARGIN_S + MARGIN_FACTOR * self._slowest_chain_s * chains

    def took(self, seconds: float, chains: int) -> None:
        """Learn from one."""
        self._slowest_chain_s = max(seconds / chains, self._slowest_chain_s or 0.0)
