"""Finality as a policy: after n blocks, after s seconds, or as the node's own tag says."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from lab.model.frozen import Frozen


class Finality(Frozen):
    """Exactly one of the three.

    `blocks`: block b is final once the head is at b + blocks or later.
    `seconds`: once the clock is at b's timestamp + seconds or later (works on a chain that mines no empty blocks).
    `tag`: once the node's block of that tag has reached b; `tag_depth_blocks` is that distance on the lab's nodes.
    """

    blocks: int | None = Field(default=None, ge=0, le=10_000)
    seconds: float | None = Field(default=None, ge=0, le=86_400)
    tag: Literal["safe", "finalized"] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Finality:
        given = [name for name in ("blocks", "seconds", "tag") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"expected exactly one of blocks, seconds, tag; got {', '.join(given) or 'none'}")
        return self

    def __str__(self) -> str:
        if self.blocks is not None:
            return f"{self.blocks} blocks"
        if self.seconds is not None:
            return f"{self.seconds:g} s"
        return f"tag {self.tag}"
