"""An ABI made whole: what the ABI specification lets a tool leave out is filled in, what cannot be used is named."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any

from eth_abi.abi import is_encodable_type
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from lab.validation import describe, problem_path, shown

# Code of 24,576 bytes, the most that a chain takes, has no room to dispatch more.
ENTRIES_MAX = 2_000
PARAMETERS_MAX = 256
_TYPE_LENGTH_MAX = 64
_NAME_LENGTH_MAX = 256


@lru_cache(maxsize=1024)
def _is_type(kind: str) -> bool:
    base = kind.split("[", 1)
    # A tuple's own type is checked by its components.
    return is_encodable_type("uint256" + kind.removeprefix("tuple") if base[0] == "tuple" else kind)


def _abi_type(kind: str) -> str:
    try:
        known = len(kind) <= _TYPE_LENGTH_MAX and "(" not in kind and _is_type(kind)
    except ValueError:
        known = False
    if not known:
        raise PydanticCustomError(
            "abi_type", "{message}", {"message": f"expected a type of the ABI, got {shown(kind)}"}
        )
    return kind


def _name(given: str) -> str:
    if not given.isprintable():
        raise PydanticCustomError("abi_name", "{message}", {"message": f"expected a name, got {shown(given)}"})
    return given


def _or(default: Any) -> BeforeValidator:
    """What stands for a value that is null."""
    return BeforeValidator(lambda given: default if given is None else given)


class Parameter(BaseModel):
    """One argument, result or component."""

    model_config = ConfigDict(defer_build=True, extra="allow", strict=True)

    type: Annotated[str, AfterValidator(_abi_type)]
    name: Annotated[str, Field(max_length=_NAME_LENGTH_MAX), AfterValidator(_name), _or("")] = ""
    indexed: Annotated[bool, _or(False)] = False
    components: Annotated[list[Parameter], Field(max_length=PARAMETERS_MAX), _or([])] = []

    @model_validator(mode="after")
    def _whole(self) -> Parameter:
        if self.type.startswith("tuple") and "components" not in self.model_fields_set:
            raise PydanticCustomError("components", "expected the components of a tuple, got none")
        return self

    def filled(self, *, indexed: bool = False) -> dict[str, Any]:
        """As it was written, with what it left out."""
        kept = self.model_dump(exclude_unset=True) | {"name": self.name}
        if indexed:
            kept["indexed"] = self.indexed
        if self.type.startswith("tuple"):
            kept["components"] = [parameter.filled() for parameter in self.components]
        return kept


Parameters = Annotated[list[Parameter], Field(max_length=PARAMETERS_MAX), _or([])]


class Entry(BaseModel):
    """One function, event or error, the constructor, `fallback` or `receive`."""

    model_config = ConfigDict(defer_build=True, extra="allow", strict=True)

    type: Annotated[str, Field(max_length=_TYPE_LENGTH_MAX), _or("function")] = "function"
    name: Annotated[str, Field(max_length=_NAME_LENGTH_MAX), AfterValidator(_name)] | None = None
    inputs: Parameters = []
    outputs: Parameters = []
    stateMutability: str | None = None
    constant: bool | None = None
    payable: bool | None = None
    anonymous: Annotated[bool, _or(False)] = False

    @model_validator(mode="after")
    def _named(self) -> Entry:
        if self.type in ("function", "event", "error") and not self.name:
            raise PydanticCustomError("name", "expected a name for this {kind}, got none", {"kind": self.type})
        return self

    def filled(self) -> dict[str, Any]:
        """As it was written, with what it left out."""
        kept = self.model_dump(exclude_unset=True) | {"type": self.type}
        if self.type in ("function", "event", "error", "constructor"):
            kept["inputs"] = [parameter.filled(indexed=self.type == "event") for parameter in self.inputs]
        if self.type == "function":
            kept["outputs"] = [parameter.filled() for parameter in self.outputs]
            # From the two flags that older compilers wrote in its place.
            older = "view" if self.constant else "payable" if self.payable else "nonpayable"
            kept["stateMutability"] = self.stateMutability or older
        if self.type == "event":
            kept["anonymous"] = self.anonymous
        return kept


def whole_abi(abi: list[Any]) -> list[dict[str, Any]]:
    """The same entries with `type`, `inputs`, `outputs`, `stateMutability`, `anonymous`, `indexed` and names filled in.

    Raises ValueError that begins with the place, as in `abi[3].inputs[0]: missing key 'type'`.
    """
    if len(abi) > ENTRIES_MAX:
        raise ValueError(f"abi: expected at most {ENTRIES_MAX} entries, got {len(abi)}")
    return [_entry(index, entry) for index, entry in enumerate(abi)]


def _entry(index: int, entry: Any) -> dict[str, Any]:
    try:
        return Entry.model_validate(entry).filled()
    except ValidationError as error:
        fault = describe(error.errors(include_url=False)[0], entry, Entry)
        message = fault.message.replace(" (lines of key: value)", "").replace("a mapping", "an object")
        raise ValueError(f"{problem_path(('abi', index, *fault.path))}: {message}") from None


def _of_a_file(abi: list[Any]) -> list[dict[str, Any]]:
    try:
        return whole_abi(abi)
    except ValueError as error:
        message = str(error).removeprefix("abi").removeprefix(": ")
        raise PydanticCustomError("abi", "{message}", {"message": message}) from error


# Of a file that somebody may have changed.
WholeAbi = Annotated[list[Any], AfterValidator(_of_a_file)]
