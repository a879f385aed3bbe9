"""What a difference is about, as data: causes are told apart by it, and nobody reads the words that people get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from lab.model.frozen import Frozen

Names = tuple[str, ...]


class About(Frozen):
    """What a finding, or an expectation that was not met, is about. Of each pair the first is what was expected.

    `function` is the call, `operation` the id of its record. `field` is what of a stored transaction is wrong, or the
    getter of the contract that is; `states` are those of a transaction. `refusals` are reasons: those with which a call
    had to revert, none if it had to succeed; and the one that came, none if it succeeded, or where the operation's
    record has it. `events` are their names, `argument` that of the one argument that differs. Earlier evidence has none
    of it: its causes are told apart by function and wording alone.
    """

    function: str = ""
    operation: str = ""
    field: str = ""
    states: tuple[str, str] | None = None
    refusals: tuple[Names, Names] | None = None
    events: tuple[Names, Names] | None = None
    argument: str = ""

    def of(self, function: str) -> About:
        """The same, of a call of this function."""
        return self.model_copy(update={"function": function})

    @model_serializer(mode="wrap")
    def _what_is_known(self, fields: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in fields(self).items() if value}


NOTHING = About()


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs, in words and as data."""

    text: str
    about: About = NOTHING

    def __str__(self) -> str:
        return self.text


def no_revert(reasons: Sequence[str]) -> About:
    """A call succeeded that had to revert, with one of these reasons; with any where there are none."""
    return About(refusals=(tuple(reasons) or ("any reason",), ()))
