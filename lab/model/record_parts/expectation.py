"""The line of a history in which a scenario's own expectation stands."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import SerializerFunctionWrapHandler, model_serializer

from lab.model.frozen import Record
from lab.model.record_parts.about import About


class Expectation(Record):
    """A scenario's own expectation, judged. `expected` and `actual` are for people.

    `met` None: the chain could not be looked at, so nobody knows. `tried` is what the relayer did last for a leg that
    it left. `rows` of the readiness checklist alone depend on it; empty: the whole run does. `about` says what was
    not met as data, where whoever looked knows it.
    """

    type: Literal["expectation"] = "expectation"
    id: str
    where: str
    expected: str
    actual: str
    met: bool | None
    tried: str | None = None
    because: str | None = None
    rows: tuple[str, ...] = ()
    about: About | None = None

    @property
    def outcome(self) -> str:
        """What came, with what the relayer did."""
        return f"{self.actual}; {self.tried}" if self.tried else self.actual

    @model_serializer(mode="wrap")
    def _without_what_most_lack(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Most expectations are met, of the run, and of no leg that was left: their lines say nothing of it."""
        written: dict[str, Any] = fields(self)
        for name in ("rows", "tried", "about"):
            if not getattr(self, name):
                del written[name]
        return written
