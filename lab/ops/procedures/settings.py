"""Settings of the owner, each by its function: `set_coordination_window` and the like."""

from __future__ import annotations

from dataclasses import dataclass

from lab.ops.chain import OperatedChain
from lab.ops.planning import Desired
from lab.ops.procedures.operators import OwnersProcedure
from lab.ops.state import ChainState, missing


@dataclass(frozen=True, slots=True)
class SetSetting(OwnersProcedure):
    """One of `state.SETTINGS` gets a value."""

    setting: str
    value: int
    name: str = "settings"

    def wants(self, chain: OperatedChain, state: ChainState) -> Desired:
        """See `Procedure`."""
        function = f"set_{self.setting}"
        lacking = missing(chain.codec, function, self.setting)
        if lacking is not None:
            return Desired(problems=(lacking,))
        return Desired() if state.settings[self.setting] == self.value else Desired(((function, (self.value,)),))
