"""The base of every record of the catalogue and of `readiness.json`: unknown keys are errors, nothing changes later."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Reads by alias or name; dumps by name."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)
