"""Options that all commands of `lab ops` share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lab.commands.parameters import to_folder

if TYPE_CHECKING:
    from lab.commands.ops.actions import Choice

Deployment = Annotated[
    Path | None,
    typer.Option("--deployment", help="deployment.yaml or session.json. Default: what is here, or of lab up."),
]
Declared = Annotated[
    Path | None, typer.Option("--declared", help="operations.yaml: what the contracts of a session shall be.")
]
Only = Annotated[list[str] | None, typer.Option("--only", help="Only this chain; may be repeated.")]
Every = Annotated[bool, typer.Option("--all", help="All chains.")]
ExecutorName = Annotated[
    str,
    typer.Option(
        "--executor",
        help="signer: send. safe: propose, or carry out what enough owners signed. calldata: print it, and write it "
        "for the Transaction Builder.",
    ),
]
Sender = Annotated[str | None, typer.Option("--from", help="Account that sends. Default: the declared owner.")]
Yes = Annotated[bool, typer.Option("--yes", help="Send without a question.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Results = Annotated[Path, typer.Option("--results", callback=to_folder, help="Folder for evidence and the audit log.")]


@dataclass(frozen=True)
class Looking:
    """Options of commands that only look."""

    deployment: Deployment = None
    declared: Declared = None
    only: Only = None
    as_json: Json = False
    results: Results = Path("results")

    @property
    def choice(self) -> Choice:
        """As the actions take it."""
        from lab.commands.ops.actions import Choice

        given: dict[str, Any] = {key: getattr(self, key) for key in Choice.__slots__ if hasattr(self, key)}
        return Choice(**{**given, "only": tuple(self.only or ())})


@dataclass(frozen=True)
class Sending(Looking):
    """Options of commands that may send."""

    every: Every = False
    executor: ExecutorName = "signer"
    sender: Sender = None
    yes: Yes = False
