"""What the commands around a readiness report are asked for, as it is typed: options with their help."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from lab.commands.parameters import Results, to_folder

RESULTS = Path("results")


Stage = Literal["lab", "testnet", "mainnet"]
Decision = Literal["GO", "NO-GO", "INCOMPLETE"]

Attestations = Annotated[
    Path | None,
    typer.Option(help="Folder of attestations and waivers. Default: the working folder's, or the project's."),
]
Checklist = Annotated[Path | None, typer.Option("--checklist", help="Catalogue of rows to use instead.")]


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """`lab report`, as it is typed."""

    results: Annotated[Path, typer.Argument(help="The results folder; the newest run of each item counts.")] = RESULTS
    stage: Annotated[Stage, typer.Option(help="The stage to decide on.")] = "lab"
    attestations: Attestations = None
    checklist: Checklist = None
    contract: Annotated[Path | None, typer.Option(help="The contract that would ship: .vy, or an artifact.")] = None
    relayer_cmd: Annotated[str | None, typer.Option(help="The relayer that would ship. Default: lab.yaml's.")] = None
    release_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD: lists what expires before.")] = None
    pdf: Annotated[bool, typer.Option("--pdf", help="Also write readiness.pdf (needs the extra `pdf`).")] = False


@dataclass(frozen=True, slots=True)
class AttestRequest:
    """`lab attest`, as it is typed; None is asked for."""

    row: Annotated[str, typer.Argument(help="Id of the row, such as SCS-01.")]
    owner: Annotated[str | None, typer.Option(help="Person who answers for the row.")] = None
    document: Annotated[Path | None, typer.Option(help="The supporting document.")] = None
    expires: Annotated[str | None, typer.Option(help="YYYY-MM-DD: last day on which it is valid.")] = None
    note: Annotated[str | None, typer.Option(help="A note.")] = None
    link: Annotated[str | None, typer.Option(help="URL of the document (https://…).")] = None
    waive: Annotated[bool, typer.Option("--waive", help="Write a waiver; not allowed for a row that must pass.")] = (
        False
    )
    approver: Annotated[str | None, typer.Option(help="Person who approves the waiver.")] = None
    reason: Annotated[str | None, typer.Option(help="Reason why the row may stay open.")] = None
    folder: Annotated[
        Path | None,
        typer.Option(
            callback=to_folder, help="Folder to write to. Default: the working folder's attestations, or the project's."
        ),
    ] = None
    checklist: Checklist = None
    results: Results = RESULTS
