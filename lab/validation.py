"""Turns one pydantic error into plain words and a place in a YAML value: expected what, got what, did you mean what.

Belongs to `lab.yamlsource`. Pydantic's locations hold union tags beside keys and indexes, so they are walked along the
value (to find the place) and along the model (to know which keys exist there).
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic_core import ErrorDetails

Route = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ValidationIssue:
    """Where in the value the problem is, and what to say of it."""

    path: Route
    at_key: bool
    message: str
    missing: str | None = None
    meant: str | None = None

    @property
    def misspelt(self) -> tuple[Route, str | None]:
        """The mapping that the problem is in, and the key that a key unknown there was probably meant to be."""
        return self.path[:-1], self.meant


def problem_path(path: Route) -> str:
    """`timeline[2].expect.leg`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant."""
    candidates = sorted(known)
    folded = {candidate.lower(): candidate for candidate in reversed(candidates)}
    matches = difflib.get_close_matches(word.lower(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def suggestion(word: str, known: Iterable[str], *, list_them: bool = True) -> str:
    """` (did you mean x?)`, or else the list of what is known, or nothing."""
    words = sorted(known)
    close = nearest(word, words)
    if close is not None:
        return f" (did you mean {close}?)"
    return f" (known: {', '.join(words)})" if words and list_them else ""


def shown(value: object) -> str:
    """A value as the user would recognise it, short."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "...'"


def describe(error: ErrorDetails, value: object, model: type[BaseModel]) -> ValidationIssue:
    """Place and words for one error of `model`'s validation of `value`."""
    kind = error["type"]
    location: tuple[str | int, ...] = error["loc"]
    context: Mapping[str, Any] = error.get("ctx") or {}
    if kind == "missing":
        parent = _place(location[:-1], value)
        return ValidationIssue(parent, False, f"missing key '{location[-1]}'", missing=str(location[-1]))
    if kind == "extra_forbidden":
        key, models = str(location[-1]), _models_at(location[:-1], model)
        replaced = [text for one in models if (text := getattr(one, "REPLACED_KEYS", {}).get(key))]
        known = {name for one in models for name in _keys(one)}
        advice = f": {replaced[0]}" if replaced else suggestion(key, known)
        path, meant = (*_place(location[:-1], value), key), nearest(key, known)
        return ValidationIssue(path, True, f"unknown key '{key}'{advice}", meant=None if replaced else meant)
    if location and location[-1] == "[key]":
        path = _place(location[:-1], value)
        return ValidationIssue(path, True, _words(kind, error, context))
    path = _place(location, value)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag_issue(path, kind, context)
    moved = context.get("at")
    if moved:
        path = (*path, *moved)
    return ValidationIssue(path, bool(context.get("at_key")), _words(kind, error, context))


def once_each(issues: list[ValidationIssue]) -> list[ValidationIssue]:
    """A key that is misspelt is missing, too: that is said once."""
    misspelt = {issue.misspelt for issue in issues if issue.meant is not None}
    return [issue for issue in issues if issue.missing is None or (issue.path, issue.missing) not in misspelt]


def _tag_issue(path: Route, kind: str, context: Mapping[str, Any]) -> ValidationIssue:
    """A mapping whose kind is missing, or is none of those that exist."""
    key = str(context.get("discriminator", "")).strip("'")
    if kind == "union_tag_not_found":
        return ValidationIssue(path, False, f"missing key '{key}'")
    tags = [tag.strip(" '") for tag in str(context["expected_tags"]).split(",")]
    tag = str(context["tag"])
    hint = suggestion(tag, tags, list_them=False)
    return ValidationIssue((*path, key), False, f"expected {', '.join(tags)}, got '{tag}'{hint}")


def _place(location: Route, value: object) -> Route:
    """The part of a location that exists in the value; the rest are tags of unions."""
    path: list[str | int] = []
    for part in location:
        inside = isinstance(value, dict) and part in value
        inside = inside or (isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value))
        if inside:
            value = value[part]  # type: ignore[index]  # `inside` has just looked
            path.append(part)
    return tuple(path)


def _words(kind: str, error: ErrorDetails, context: Mapping[str, Any]) -> str:
    got = error["input"]
    if kind == "value_error":
        return str(context.get("error", error["msg"]))
    if kind in ("literal_error", "enum"):
        words = str(context.get("expected", "")).replace("'", "")
        options = words.replace(" or ", ", ").split(", ")
        close = nearest(got, options) if isinstance(got, str) else None
        return f"expected {words}, got {shown(got)}" + (f" (did you mean {close}?)" if close else "")
    bounds = {
        "greater_than_equal": ("ge", "at least"),
        "greater_than": ("gt", "more than"),
        "less_than_equal": ("le", "at most"),
        "less_than": ("lt", "less than"),
    }
    if kind in bounds:
        name, phrase = bounds[kind]
        bound = f"{context[name]:g}" if isinstance(context[name], float) else context[name]
        return f"expected {phrase} {bound}, got {shown(got)}"
    if kind == "too_short":
        return f"expected at least {context['min_length']} of them, got {context['actual_length']}"
    if kind == "too_long":
        return f"expected at most {context['max_length']} of them, got {context['actual_length']}"
    if kind == "string_too_short":
        return f"expected a text of at least {context['min_length']} characters, got {shown(got)}"
    if kind == "string_too_long":
        return f"expected a text of at most {context['max_length']} characters, got a longer one"
    if kind == "string_pattern_mismatch":
        return f"expected a text of the form {context['pattern']}, got {shown(got)}"
    expected = _EXPECTED.get(kind)
    return f"expected {expected}, got {shown(got)}" if expected else error["msg"]


_EXPECTED: dict[str, str] = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping (lines of key: value)",
    "model_type": "a mapping (lines of key: value)",
    "model_attributes_type": "a mapping (lines of key: value)",
    "none_required": "nothing",
    "date_type": "a date (2026-11-24)",
    "date_parsing": "a date (2026-11-24)",
    "date_from_datetime_parsing": "a date (2026-11-24)",
    "url_parsing": "an address such as http://127.0.0.1:8545",
}


def known_keys(location: Route, model: type[BaseModel]) -> set[str]:
    """The keys that the models at a location accept."""
    return {key for one in _models_at(location, model) for key in _keys(one)}


def _models_at(location: Route, model: type[BaseModel]) -> list[type[BaseModel]]:
    here: list[object] = [model]
    for part in location:
        here = [branch for kind in here for branch in _step_into(kind, part)] or here
    return [branch for kind in here for branch in _models(kind)]


def _keys(model: type[BaseModel]) -> set[str]:
    return {info.alias or name for name, info in model.model_fields.items()}


def _alternatives(kind: object) -> list[tuple[str | None, object]]:
    """The members of a (possibly annotated) union with their tags; any other type is its own only member."""
    tag: str | None = None
    while hasattr(kind, "__metadata__"):
        tag = next((item.tag for item in kind.__metadata__ if isinstance(item, Tag)), tag)
        kind = get_args(kind)[0]
    if isinstance(kind, types.GenericAlias) or get_origin(kind) not in (Union, types.UnionType):
        return [(tag, kind)]
    return [branch for member in get_args(kind) for branch in _alternatives(member)]


def _models(kind: object) -> list[type[BaseModel]]:
    return [branch for _, branch in _alternatives(kind) if isinstance(branch, type) and issubclass(branch, BaseModel)]


def _step_into(kind: object, part: str | int) -> list[object]:
    alternatives = _alternatives(kind)
    tagged: list[object] = [branch for tag, branch in alternatives if part == tag or _discriminates(branch, part)]
    if tagged and len(alternatives) > 1:
        return tagged
    below: list[object] = []
    for _, branch in alternatives:
        origin = get_origin(branch)
        if isinstance(branch, type) and origin is None and issubclass(branch, BaseModel):
            below += [info.annotation for name, info in branch.model_fields.items() if part in (name, info.alias)]
        elif origin in (list, tuple, set, frozenset) and isinstance(part, int):
            below += [argument for argument in get_args(branch) if argument is not Ellipsis][:1]
        elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            below += get_args(branch)[1:2]
    return below


def _discriminates(kind: object, part: str | int) -> bool:
    """Whether `part` is the name of a model of a union, or a literal value by which the model is told apart."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return False
    annotations = [info.annotation for info in kind.model_fields.values()]
    literals = [get_args(annotation) for annotation in annotations if get_origin(annotation) is Literal]
    return kind.__name__ == part or any(values == (part,) for values in literals)
