"""The base of files that one part of the lab writes and another reads later, perhaps damaged or of another version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

# With more of them the field that has most is left out whole: each is a copy of the value.
FAULTS_MAX = 200
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Strict(False)]


class Recorded(BaseModel):
    """Writers construct it and are held to its types; readers use `read`, which drops whatever does not fit.

    Every field has a default, since older versions may not have written it. Of unknown keys nothing is kept: a file
    of others may hold anything under them.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", strict=True, allow_inf_nan=False)

    @classmethod
    def read(cls, value: object) -> Self:
        """What a parsed JSON value says, as far as it says it: a field, entry or element of a wrong type is left out.

        Of a field with hundreds of those nothing is left. Never raises: a value that is no object gives a record in
        which nothing is stated.
        """
        kept: Any = value if isinstance(value, dict) else {}
        while True:
            try:
                return cls.model_validate(kept)
            except ValidationError as error:
                if error.error_count() > FAULTS_MAX:
                    worst = max(kept, key=lambda name: cls._faults(name, kept[name]))
                    kept = {name: part for name, part in kept.items() if name != worst}
                    continue
                # From the end, so that an index stays what it was while later elements go.
                for place in sorted((problem["loc"] for problem in error.errors()), key=_from_the_end):
                    kept = _without(kept, place)

    @classmethod
    def _faults(cls, name: str, part: object) -> int:
        """In how many places a field does not fit."""
        try:
            cls.model_validate({name: part})
        except ValidationError as error:
            return error.error_count()
        return 0

    def as_json(self) -> dict[str, Any]:
        """What was given, in the order of the fields, for `json.dumps`."""
        return self.model_dump(mode="json", exclude_unset=True)


def _from_the_end(place: tuple[int | str, ...]) -> list[tuple[bool, int, str]]:
    return [(isinstance(step, str), -step if isinstance(step, int) else 0, str(step)) for step in place]


def _without(value: Any, place: Sequence[int | str]) -> Any:
    """A copy without the innermost part of `place` that exists."""
    step, *rest = place
    if isinstance(value, dict) and step in value:
        inner = value[step]
        if rest and _has(inner, rest[0]):
            return value | {step: _without(inner, rest)}
        return {key: part for key, part in value.items() if key != step}
    if isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value):
        inner = value[step]
        replaced = [_without(inner, rest)] if rest and _has(inner, rest[0]) else []
        return [*value[:step], *replaced, *value[step + 1 :]]
    return value


def _has(value: Any, step: int | str) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, (list, tuple)) and isinstance(step, int) and step < len(value)
