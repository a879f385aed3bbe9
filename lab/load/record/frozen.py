"""The base of every record of a load run: frozen, validated when it is read, without a key that nobody knows."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Frozen(BaseModel):
    """Fields are named with their units; an alias is the name in the file, where that is an older one."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """As files have it."""
        return self.model_dump(mode="json", by_alias=True)


class Sparse(Frozen):
    """A record that is written without the fields that are None."""

    @model_serializer(mode="wrap")
    def _known(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if value is not None}
