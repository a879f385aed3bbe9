"""The commands around a readiness report: names, options and help. What they do is loaded when they are called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.options import command_of
from lab.commands.parameters import Results, to_file
from lab.commands.release.requests import RESULTS, Attestations, AttestRequest, Decision, ReportRequest

checklist = typer.Typer(no_args_is_help=True, help="The catalogue of rows.")


def report(request: ReportRequest) -> None:
    """Write the readiness report again from recorded runs. Exit code 0 GO, 1 NO-GO, 3 INCOMPLETE."""
    from lab.commands.release.report import rebuild

    raise typer.Exit(rebuild(request))


def causes(
    path: Annotated[
        Path, typer.Argument(help="Session folder, or the results folder for its latest session.")
    ] = RESULTS,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print every cause in full.")] = False,
) -> None:
    """Print what caused the failures of a session, each cause once. Exit code 1 if there are any."""
    from lab.commands.release.causes import say_causes

    raise typer.Exit(say_causes(path, verbose))


def attest(request: AttestRequest) -> None:
    """Attest a row that only a person can answer for, or waive one. Prompts for what is not given."""
    from lab.commands.release.attest import attest as write

    def ask(question: str, required: bool) -> str:
        return str(typer.prompt(question, default=None if required else "", err=True))

    print(write(request, ask if sys.stdin.isatty() else None))


def freeze(
    audited: Annotated[
        str | None, typer.Option(help="sha256 of the audited source, to be kept on record in attestations/.")
    ] = None,
) -> None:
    """Compare the contract's source with the audited one. Exit code 0: the same, 1: changed since, 3: none known."""
    from lab.commands.release.freeze import freeze as compare

    raise typer.Exit(compare(audited))


def sign(
    name: Annotated[str, typer.Option(help="Name of the person who signs.")],
    decision: Annotated[Decision, typer.Option(help="The decision; never better than the report's.")],
    role: Annotated[str, typer.Option(help="Role of the signer, such as release manager.")] = "",
    note: Annotated[str, typer.Option(help="A comment.")] = "",
    key: Annotated[Path | None, typer.Option(help="File of the key to sign with: hex, or a keystore.")] = None,
    results: Results = RESULTS,
) -> None:
    """Sign a decision on the report as it is now. Any later change of either voids the signature."""
    from lab.commands.release.sign import sign_report
    from lab.report.release.sign import Opinion

    sign_report(results, Opinion(name.strip(), decision, note, role.strip()), key)


def bundle(
    results: Annotated[Path, typer.Argument(help="The results folder.")] = RESULTS,
    out: Annotated[Path, typer.Option(callback=to_file, help="The archive to write.")] = Path(
        "readiness-bundle.tar.gz"
    ),
    attestations: Attestations = None,
    key: Annotated[Path | None, typer.Option(help="File of the key to sign with: hex, or a keystore.")] = None,
) -> None:
    """Make one archive of the report, its evidence and a manifest of sha256."""
    from lab.commands.release.bundle import make_bundle

    make_bundle(results, out, attestations, key)


def verify(
    path: Annotated[Path, typer.Argument(help="A bundle, or a folder with a signed report.")],
    signer: Annotated[
        list[str] | None, typer.Option(help="Address whose key must have signed; or of several, one.")
    ] = None,
) -> None:
    """Check a bundle, or a signed report. Exit code 0: intact and signed by --signer, 1: changed, 3: not proven."""
    from lab.commands.release.bundle import verify_path

    raise typer.Exit(verify_path(path, signer or ()))


def prune(
    keep: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="Number of sessions, and of load runs per profile, to keep.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be removed.")] = False,
    results: Results = RESULTS,
) -> None:
    """Remove old runs. The report history, and so every trend, is kept."""
    from lab.commands.release.prune import prune_results

    prune_results(results, keep, dry_run)


@checklist.command("import")
def checklist_import(
    source: Annotated[Path, typer.Argument(help="A checklist in Markdown.")],
    out: Annotated[Path, typer.Option(callback=to_file, help="The catalogue to write.")] = Path("checklist.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite it.")] = False,
) -> None:
    """Convert a checklist to a catalogue; each line becomes a row to bind. Use it with `lab report --checklist`."""
    from lab.commands.release.checklist import import_file

    import_file(source, out, force)


@checklist.callback()
def _checklist() -> None:
    pass


def register(app: typer.Typer) -> None:
    """Add the commands to the `lab` command."""
    for command in (
        command_of(ReportRequest, report),
        causes,
        command_of(AttestRequest, attest),
        freeze,
        sign,
        bundle,
        verify,
        prune,
    ):
        app.command()(command)
    app.add_typer(checklist, name="checklist")
