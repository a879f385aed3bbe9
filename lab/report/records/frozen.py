"""The base of every record of `readiness.json`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record of `readiness.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
