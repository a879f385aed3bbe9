"""What is particular about the contract of a run: the line that a history has where something is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lab.model.frozen import Record


class ContractRead(Record):
    """One contract right after its set-up. Written only where it differs from what the header says, or `lab.yaml` did.

    `operators`, `owner` and `window_s` take the place of the header's.
    """

    type: Literal["contract"] = "contract"
    chain: str
    operators: tuple[str, ...]
    owner: str | None
    window_s: int
    breaker_threshold: int | None = Field(default=None, description="as declared, for a contract without a getter")
    breaker_period_s: int | None = Field(default=None, description="as declared")
    limits: dict[str, int] = Field(default_factory=dict, description="declared ones, and those that were learnt")
    second_roles: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="role -> operator functions that ask for it; operators hold it at first"
    )
