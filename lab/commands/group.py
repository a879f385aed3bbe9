"""How commands end: with one message on stderr, and the exit code of its error."""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from lab.environment import with_advice
from lab.errors import EnvironmentFailure, LabError, entry
from lab.html.text import clean
from lab.paths import seen_from_here

LINE_LENGTH_MAX = 2_000


class LabGroup(TyperGroup):
    """Commands that end with one message on stderr, and its exit code, for every LabError and OSError."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            text = "\n".join(clean(line, LINE_LENGTH_MAX) for line in str(error).split("\n"))
            print(f"error: {text}" if "\n" not in text else text, file=sys.stderr)
            print(f"see {seen_from_here(entry(type(error).__name__))}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            # A full disk, a folder that cannot be written to: the machine's trouble, not a bug to trace.
            print(f"error: {clean(with_advice(error), LINE_LENGTH_MAX)}", file=sys.stderr)
            print(f"see {seen_from_here(entry('OSError'))}", file=sys.stderr)
            raise typer.Exit(EnvironmentFailure.exit_code) from None
