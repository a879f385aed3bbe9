"""Commands whose options are the fields of a frozen record: declared once, named once, and handed on whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar, get_type_hints

Request = TypeVar("Request")


def command_of(record: Callable[..., Request], run: Callable[[Request], None]) -> Callable[..., None]:
    """What Typer takes for a command named and documented like `run`, which gets the record that the options make."""

    def command(**values: Any) -> None:
        run(record(**values))

    command.__name__, command.__doc__ = run.__name__, run.__doc__
    hints, signature = get_type_hints(record, include_extras=True), inspect.signature(record)
    options = [option.replace(annotation=hints[option.name]) for option in signature.parameters.values()]
    command.__annotations__ = hints
    command.__signature__ = signature.replace(parameters=options)  # type: ignore[attr-defined]
    return command
