"""The emergency stop, on and off."""

from __future__ import annotations

from dataclasses import dataclass

from lab.ops.chain import OperatedChain
from lab.ops.planning import Desired
from lab.ops.procedures.operators import OwnersProcedure
from lab.ops.state import ChainState, missing


@dataclass(frozen=True, slots=True)
class Pause(OwnersProcedure):
    """No operator function succeeds any more."""

    name: str = "pause"

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        return _switched(chain, state, to=True)


@dataclass(frozen=True, slots=True)
class Unpause(OwnersProcedure):
    """The stop is lifted."""

    name: str = "unpause"

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        return _switched(chain, state, to=False)


def _switched(chain: OperatedChain, state: ChainState, *, to: bool) -> Desired:
    function = "pause" if to else "unpause"
    lacking = missing(chain.codec, function, "paused")
    if lacking is not None:
        return Desired(problems=(f"{lacking} (capability stop); revoke the operators instead",) if to else (lacking,))
    return Desired() if state.paused is to else Desired(((function, ()),), urgent=to)
