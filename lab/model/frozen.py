"""The base of the lab's records: nothing in them changes, and unknown fields are an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A record that is the same for whoever holds it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
