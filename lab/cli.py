"""The `lab` command: names, options and help of every command. What they do is in `lab.commands`, loaded when called.

Exit codes: 0 met, 1 failed, 2 usage, 3 unknown or incomplete, 4 environment, 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import lab
from lab.commands.explore.cli import register as register_explore
from lab.commands.group import LabGroup
from lab.commands.live.cli import live as live_commands
from lab.commands.load.cli import register as register_load
from lab.commands.monitor.cli import monitor
from lab.commands.ops.cli import ops as ops_commands
from lab.commands.parameters import (
    Backend,
    BackendChoice,
    Evidence,
    Results,
    require_text,
    to_file,
)
from lab.commands.release.readiness import register
from lab.commands.safe.cli import safe
from lab.commands.up_options import register as register_up
from lab.environment import end_at_second_interrupt, ignore_useless_width, let_streams_take_any_text

app = typer.Typer(
    cls=LabGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tesseract Lab: test a coordinator contract and its relayer on local chains, under faults and load. "
    "Scenarios are run by `pytest scenarios/`.",
)
image = typer.Typer(no_args_is_help=True, help="The node image of the docker backend.")
app.add_typer(image, name="image")
app.add_typer(monitor, name="monitor")
app.add_typer(live_commands, name="live")
app.add_typer(safe, name="safe")
app.add_typer(ops_commands, name="ops")


RESULTS = Path("results")


def _version(requested: bool) -> None:
    if requested:
        print(f"tesseract-lab {lab.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def doctor(
    backend: Backend = BackendChoice.auto,
    results: Results = RESULTS,
    live: Annotated[
        Path | None, typer.Option(help="Check the variables of this deployment file instead, by name only.")
    ] = None,
) -> None:
    """Check whether this machine can run the lab; each failed check comes with its fix."""
    if live is not None:
        from lab.commands.live.actions import check_variables

        raise typer.Exit(check_variables(live))
    from lab.session.doctor import diagnose, healthy, render

    lines = diagnose(backend.value, results)
    render(lines)
    raise typer.Exit(0 if healthy(lines) else 4)


@image.command("build")
def image_build(
    tag: Annotated[
        str | None, typer.Option(help="Image name. Default: the one that the docker backend looks for.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="Base image with glibc; needed only where this machine is not Linux.")
    ] = None,
) -> None:
    """Build the node image locally from the anvil binary, where it cannot be pulled."""
    from lab.chains.nodes.image import BASE_IMAGE, LOCAL_IMAGE, build_image

    build_image(tag or LOCAL_IMAGE, notify=print, base=base or BASE_IMAGE)


@app.command()
def networks(
    name: Annotated[str | None, typer.Argument(help="Name of a network, or path of a profile.")] = None,
) -> None:
    """List the built-in networks or, with NAME, one network's figures and their sources."""
    from lab.commands.networks import show_all, show_one

    show_all() if name is None else show_one(name)


@app.command()
def analyse(
    path: Annotated[Path | None, typer.Argument(help="A Vyper source. Default: the contract under test.")] = None,
    sarif: Annotated[
        Path | None, typer.Option(callback=to_file, help="Write the findings to this file as SARIF 2.1.0.")
    ] = None,
) -> None:
    """Analyse the contract's source without running it. Exit code 1: a finding of high severity is open."""
    from lab.commands.analyse import show_analysis

    raise typer.Exit(show_analysis(path, sarif))


@app.command()
def contract(
    path: Annotated[
        Path | None, typer.Argument(help="Contract: .vy, artifact, or FILE:NAME. Default: lab.yaml's.")
    ] = None,
    backend: Backend = BackendChoice.auto,
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None,
    write_map: Annotated[
        bool, typer.Option("--write-map", help="Try the contract out and write a lab.yaml that maps it, to review.")
    ] = False,
) -> None:
    """Compare a contract with the documented interface and try its core operations. Exit code 1: one of them fails."""
    from lab.commands.contract import show_contract, write_proposal

    if write_map:
        raise typer.Exit(write_proposal(path, Path.cwd(), backend.value, image))
    raise typer.Exit(show_contract(path, backend.value, image))


@app.command()
def init(
    contract: Annotated[
        Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME. Default: the only one found.")
    ] = None,
) -> None:
    """Create lab.yaml, a scenario, a load profile and a CI job in this folder. Existing files are kept."""
    from lab.commands.init import init as write

    write(Path.cwd(), contract)


@app.command()
def lint(paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Scenario files or folders.")]) -> None:
    """Check scenario files without running them. Each problem is printed as file:line:col."""
    from lab.commands.lint import lint_paths

    raise typer.Exit(lint_paths(paths))


@app.command()
def schema() -> None:
    """Print the JSON schema of scenario files, for use in editors."""
    from lab.scenario.schema import render

    print(render(), end="")


@app.command()
def check(folder: Evidence) -> None:
    """Judge recorded runs again; no chain is needed. Exit code 0: PASS, 1: FAIL, 3: anything else."""
    from lab.commands.check import check_folder

    raise typer.Exit(check_folder(folder))


register_explore(app)
register_up(app)


@app.command()
def status(results: Results = RESULTS) -> None:
    """Show the nodes started by `lab up`. Exit code 3 if one is dead or none is running."""
    from lab.commands.up import show_status

    raise typer.Exit(show_status(results))


@app.command()
def down(
    everything: Annotated[
        bool, typer.Option("--all", help="Also remove what runs that were killed left behind.")
    ] = False,
    results: Results = RESULTS,
) -> None:
    """Stop the networks started by `lab up`."""
    from lab.commands.up import take_down

    take_down(everything, results)


register_load(app)
register(app)


def main() -> None:
    """The entry point."""
    let_streams_take_any_text()
    ignore_useless_width()
    require_text(sys.argv[1:])
    with end_at_second_interrupt():
        app()


if __name__ == "__main__":
    main()
