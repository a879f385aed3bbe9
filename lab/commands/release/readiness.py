"""The commands around a readiness report: names, options and help. What they do is loaded when they are called."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

RESULTS, ATTESTATIONS = Path("results"), Path("attestations")


class StageChoice(StrEnum):
    """Release stages, each including the ones before it."""

    lab = "lab"
    testnet = "testnet"
    mainnet = "mainnet"


class DecisionChoice(StrEnum):
    """What can be signed."""

    go = "GO"
    no_go = "NO-GO"
    incomplete = "INCOMPLETE"


Results = Annotated[Path, typer.Option("--results", help="Where evidence and reports go.")]
Attestations = Annotated[Path, typer.Option(help="Folder of attestations and waivers.")]

checklist = typer.Typer(no_args_is_help=True, help="The catalogue of rows.")


def report(
    results: Annotated[Path, typer.Argument(help="The results folder; its `latest` runs are read.")] = RESULTS,
    stage: Annotated[StageChoice, typer.Option(help="The stage to decide on.")] = StageChoice.lab,
    attestations: Attestations = ATTESTATIONS,
    checklist_file: Annotated[Path | None, typer.Option("--checklist", help="Another catalogue of rows.")] = None,
    contract: Annotated[Path | None, typer.Option(help="The contract that would ship: .vy, or an artifact.")] = None,
    relayer_cmd: Annotated[str | None, typer.Option(help="The relayer that would ship. Default: lab.yaml's.")] = None,
    release_date: Annotated[str | None, typer.Option(help="YYYY-MM-DD: names what expires before.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Write readiness.pdf, too (needs the extra `pdf`).")] = False,
) -> None:
    """Write the readiness report again from recorded runs. Exit code 0 GO, 1 NO-GO, 3 INCOMPLETE."""
    from lab.commands.release.report import ReportRequest, rebuild

    request = ReportRequest(
        results, stage.value, attestations, checklist_file, contract, relayer_cmd, release_date, pdf
    )
    raise typer.Exit(rebuild(request))


def attest(
    row: Annotated[str, typer.Argument(help="Id of the row, such as SCS-01.")],
    owner: Annotated[str | None, typer.Option(help="Who answers for it.")] = None,
    document: Annotated[Path | None, typer.Option(help="The document that shows it.")] = None,
    expires: Annotated[str | None, typer.Option(help="YYYY-MM-DD: the last day on which it counts.")] = None,
    note: Annotated[str | None, typer.Option(help="A note.")] = None,
    link: Annotated[str | None, typer.Option(help="Where the document lives: https://…")] = None,
    waive: Annotated[bool, typer.Option("--waive", help="A waiver; never for a row that must pass.")] = False,
    approver: Annotated[str | None, typer.Option(help="Who allows the waiver.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why the row may stay open.")] = None,
    folder: Attestations = ATTESTATIONS,
    checklist_file: Annotated[Path | None, typer.Option("--checklist", help="Another catalogue of rows.")] = None,
    results: Results = RESULTS,
) -> None:
    """Attest a row that only a person can answer for, or waive one. What is not given is asked for."""
    from lab.commands.release.attest import AttestRequest
    from lab.commands.release.attest import attest as write

    request = AttestRequest(
        row, owner, document, expires, note, link, waive, approver, reason, folder, checklist_file, results
    )

    def ask(question: str, default: str) -> str:
        return str(typer.prompt(question, err=True) if default else typer.prompt(question, default="", err=True))

    print(write(request, ask if sys.stdin.isatty() else None))


def sign(
    name: Annotated[str, typer.Option(help="Who signs.")],
    decision: Annotated[DecisionChoice, typer.Option(help="What is decided; never better than what the report says.")],
    role: Annotated[str, typer.Option(help="As what: release manager, auditor, ...")] = "",
    note: Annotated[str, typer.Option(help="A comment.")] = "",
    key: Annotated[Path | None, typer.Option(help="Sign with this key: hex, or an encrypted keystore.")] = None,
    results: Results = RESULTS,
) -> None:
    """Sign a decision on the report as it is now. Any later change of either voids the signature."""
    from lab.commands.release.sign import sign_report
    from lab.report.release.sign import Opinion

    sign_report(results, Opinion(name.strip(), decision.value, note, role.strip()), key)


def bundle(
    results: Annotated[Path, typer.Argument(help="The results folder.")] = RESULTS,
    out: Annotated[Path, typer.Option(help="The archive to write.")] = Path("readiness-bundle.tar.gz"),
    attestations: Attestations = ATTESTATIONS,
    key: Annotated[Path | None, typer.Option(help="Sign with this key: hex, or an encrypted keystore.")] = None,
) -> None:
    """Make one archive of the report, its evidence and a manifest of sha256."""
    from lab.commands.release.bundle import make_bundle

    make_bundle(results, out, attestations, key)


def verify(
    path: Annotated[Path, typer.Argument(help="A bundle, or a folder with a signed report.")],
    signer: Annotated[list[str] | None, typer.Option(help="The address whose key must have signed.")] = None,
) -> None:
    """Check a bundle, or a signed report. Exit code 0 whole and signed by the --signer, 1 it differs, 3 not proven."""
    from lab.commands.release.bundle import verify_path

    raise typer.Exit(verify_path(path, signer or ()))


def prune(
    keep: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many sessions, and load runs of each profile, stay.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    results: Results = RESULTS,
) -> None:
    """Remove old runs. The history of reports, and so every trend, stays."""
    from lab.commands.release.prune import prune_results

    prune_results(results, keep, dry_run)


@checklist.command("import")
def checklist_import(
    source: Annotated[Path, typer.Argument(help="A checklist in Markdown.")],
    out: Annotated[Path, typer.Option(help="The catalogue to write.")] = Path("checklist.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
) -> None:
    """Turn a checklist into a catalogue, each line a row to be bound. Use it with `lab report --checklist`."""
    from lab.commands.release.checklist import import_file

    import_file(source, out, force)


@checklist.callback()
def _checklist() -> None:
    pass


def register(app: typer.Typer) -> None:
    """Add the commands to the `lab` command."""
    for command in (report, attest, sign, bundle, verify, prune):
        app.command()(command)
    app.add_typer(checklist, name="checklist")
