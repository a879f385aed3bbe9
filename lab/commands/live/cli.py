"""Names, options and help of `lab live`; what its commands do is in the modules beside it, loaded when called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lab.commands.parameters import Backend, BackendChoice, Results, to_file
from lab.errors import UsageError

live = typer.Typer(
    no_args_is_help=True,
    help="Deploy to real networks: plan, deploy, verify, smoke; and rehearse all of it on local chains first.",
)
File = Annotated[Path, typer.Argument(help="The deployment file.")]
FILE = Path("deployment.yaml")
Only = Annotated[list[str] | None, typer.Option("--only", help="Only this network of the file; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RESULTS = Path("results")


@live.command()
def init(file: Annotated[Path, typer.Argument(callback=to_file, help="The deployment file.")] = FILE) -> None:
    """Write a commented deployment file. An existing one is kept."""
    from lab.commands.live.actions import init as write

    write(file)


@live.command()
def schema() -> None:
    """Print the JSON schema of deployment files, for use in editors."""
    import json

    from lab.live.declaration.deployment_file import DeploymentFile

    print(json.dumps(DeploymentFile.model_json_schema(), indent=2))


@live.command()
def plan(file: File = FILE, only: Only = None, as_json: Json = False) -> None:
    """Show balances, addresses, steps and cost; nothing is sent. Exit code 1: something is in the way."""
    from lab.commands.live.actions import plan as show

    raise typer.Exit(show(file, tuple(only or ()), as_json=as_json))


@live.command()
def estimate(file: File = FILE, only: Only = None, as_json: Json = False) -> None:
    """Show what a deployment costs at today's fees, with the file's margin. No key is needed. Exit code 3: unknown."""
    from lab.commands.live.actions import estimate as show

    raise typer.Exit(show(file, tuple(only or ()), as_json=as_json))


@live.command()
def deploy(
    file: File = FILE,
    only: Only = None,
    broadcast: Annotated[bool, typer.Option("--broadcast", help="Send; without it only the plan is shown.")] = False,
    confirm: Annotated[list[str] | None, typer.Option(help="Name of a mainnet to send to; may be repeated.")] = None,
    results: Results = RESULTS,
) -> None:
    """Deploy and set up, or resume where an earlier command stopped. Exit code 3: steps remain for others."""
    from lab.commands.live.actions import deploy as send

    raise typer.Exit(
        send(file, tuple(only or ()), broadcast=broadcast, confirmed=tuple(confirm or ()), results=results)
    )


@live.command()
def status(file: File = FILE, only: Only = None, results: Results = RESULTS, as_json: Json = False) -> None:
    """Compare every network with the file and write the evidence. Exit code 0: equal, 1: differs, 3: unknown."""
    from lab.commands.live.actions import status as show

    raise typer.Exit(show(file, tuple(only or ()), results, as_json=as_json))


@live.command()
def session(
    file: File = FILE,
    only: Only = None,
    out: Annotated[Path, typer.Option(callback=to_file, help="File to write.")] = Path("results/live/session.json"),
    key_file: Annotated[Path | None, typer.Option(help="File with the relayer's key.")] = None,
) -> None:
    """Write the session.json of a deployment, for relayer, exporter and load."""
    from lab.commands.live.actions import session as write

    write(file, tuple(only or ()), out, key_file)


@live.command()
def verify(file: File = FILE, only: Only = None, results: Results = RESULTS) -> None:
    """Verify the source at every explorer of the file. Exit code 0: all agree, 1: one disagrees, 3: one is silent."""
    from lab.commands.live.actions import verify as run

    raise typer.Exit(run(file, tuple(only or ()), results))


@live.command()
def smoke(
    file: File = FILE,
    only: Only = None,
    broadcast: Annotated[bool, typer.Option("--broadcast", help="Send. Either this or --read-only.")] = False,
    read_only: Annotated[bool, typer.Option("--read-only", help="Send nothing: read and simulate.")] = False,
    confirm: Annotated[list[str] | None, typer.Option(help="Name of a mainnet to send to; may be repeated.")] = None,
    results: Results = RESULTS,
) -> None:
    """Buffer, resolve and execute one transaction, and let one expire. Exit code 1: not as documented, 3: unknown."""
    from lab.commands.live.actions import smoke as run

    if broadcast == read_only:
        raise UsageError(
            "expected --broadcast, to buffer, resolve and execute on the networks, or --read-only, to read and "
            f"simulate, got {'both' if broadcast else 'neither'}: nothing was sent"
        )
    raise typer.Exit(run(file, tuple(only or ()), results, confirmed=tuple(confirm or ()), read_only=read_only))


@live.command()
def rehearse(file: File = FILE, results: Results = RESULTS, backend: Backend = BackendChoice.auto) -> None:
    """Rehearse the deployment on local chains with the same ids, through failing endpoints. Needs no variables."""
    from lab.commands.live.rehearsal import rehearse as run

    raise typer.Exit(run(file, results, backend.value))


@live.command()
def explorer(
    chain: Annotated[list[str], typer.Option(help="CHAIN_ID=URL of a chain; may be repeated.")],
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes any.")] = 0,
    pending: Annotated[int, typer.Option(min=0, max=1000, help="Number of answers that ask to wait.")] = 0,
    altered: Annotated[bool, typer.Option("--altered", help="Change one byte of each submission.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="busy=N, broken=N, not_indexed=N, already=N or compiler=VERSION; may be repeated."),
    ] = None,
) -> None:
    """Run a local explorer that recompiles submissions: Sourcify, Etherscan and Blockscout in one, on 127.0.0.1."""
    from lab.commands.live.rehearsal import explorer as run
    from lab.live.explorer.faults import ExplorerFaults, with_faults

    run(chain, port, with_faults(ExplorerFaults(pending=pending, altered=altered), fault or ()))
