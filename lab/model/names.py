"""What a user's contract calls the things that the lab knows under documented names."""

from __future__ import annotations

from pydantic import Field

from lab.model.frozen import Frozen


class ContractNames(Frozen):
    """Where the contract's own names differ: the lab's name -> the contract's."""

    functions: dict[str, str] = Field(default_factory=dict)
    events: dict[str, str] = Field(default_factory=dict)
    roles: dict[str, str] = Field(
        default_factory=dict, description="role -> 32 bytes in 0x hex, for contracts that grant roles by hash"
    )
