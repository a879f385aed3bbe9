"""How commands end: with one message on stderr, and the exit code of its error."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from lab.commands.ending import end_with
from lab.errors import LabError


class LabGroup(TyperGroup):
    """Commands that end with one message on stderr, and its exit code, for every LabError and OSError."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except (LabError, OSError) as error:
            raise typer.Exit(end_with(error)) from None
