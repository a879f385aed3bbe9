"""The `lab` command: names, options and help of every command. What they do is in `lab.commands`, loaded when called.

Exit codes: 0 met, 1 failed, 2 usage, 3 unknown or incomplete, 4 environment, 130 interrupted.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import lab
from lab.commands.monitor_cli import monitor
from lab.commands.release.readiness import register
from lab.environment import let_streams_take_any_text
from lab.errors import EnvironmentFailure, LabError


class LabGroup(TyperGroup):
    """Commands that end with one message on stderr, and its exit code, for every LabError and OSError."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except LabError as error:
            print(f"error: {error}" if "\n" not in str(error) else error, file=sys.stderr)
            raise typer.Exit(error.exit_code) from None
        except BrokenPipeError:
            raise
        except OSError as error:
            # A full disk, a folder that cannot be written to: the machine's trouble, not a bug to trace.
            print(f"error: {error}", file=sys.stderr)
            raise typer.Exit(EnvironmentFailure.exit_code) from None


app = typer.Typer(
    cls=LabGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Tesseract Lab: local chains, a coordinator on each, and what becomes of them when things go wrong. "
    "Scenarios are run by `pytest scenarios/`.",
)
image = typer.Typer(no_args_is_help=True, help="The node image of the docker backend.")
app.add_typer(image, name="image")
app.add_typer(monitor, name="monitor")


class BackendChoice(StrEnum):
    """Where nodes run."""

    auto = "auto"
    process = "process"
    docker = "docker"


Backend = Annotated[BackendChoice, typer.Option(help="Where the nodes run.")]
Results = Annotated[Path, typer.Option("--results", help="Where evidence and reports go.")]
RESULTS = Path("results")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"tesseract-lab {lab.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None:
    pass


@app.command()
def doctor(backend: Backend = BackendChoice.auto, results: Results = RESULTS) -> None:
    """Say whether this machine can run the lab, and the fix for each line that is red."""
    from lab.session.doctor import diagnose, healthy, render

    lines = diagnose(backend.value, results)
    render(lines)
    raise typer.Exit(0 if healthy(lines) else 4)


@image.command("build")
def image_build(
    tag: Annotated[str | None, typer.Option(help="Another name than the one that is found by itself.")] = None,
    base: Annotated[str | None, typer.Option(help="Image with glibc, used where this machine is not Linux.")] = None,
) -> None:
    """Build a local image from the anvil binary, for places that cannot pull one."""
    from lab.chains.nodes.image import BASE_IMAGE, LOCAL_IMAGE, build_image

    build_image(tag or LOCAL_IMAGE, notify=print, base=base or BASE_IMAGE)


@app.command()
def networks(name: Annotated[str | None, typer.Argument(help="A network, or a profile's file.")] = None) -> None:
    """List the built-in networks; with NAME, show its figures and their sources."""
    from lab.commands.networks import show_all, show_one

    show_all() if name is None else show_one(name)


@app.command()
def analyse(
    path: Annotated[Path | None, typer.Argument(help="A Vyper source. Default: the contract under test.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write the findings to this file as SARIF 2.1.0.")] = None,
) -> None:
    """Analyse the contract's source without running it. Exit code 1: a finding of high severity is open."""
    from lab.commands.analyse import show_analysis

    raise typer.Exit(show_analysis(path, sarif))


@app.command()
def contract(
    path: Annotated[Path | None, typer.Argument(help="A .vy source or an artifact. Default: lab.yaml's.")] = None,
    backend: Backend = BackendChoice.auto,
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None,
) -> None:
    """Say what a contract has of the documented interface, and try its core operations once. Exit code 1: one fails."""
    from lab.commands.contract import show_contract

    raise typer.Exit(show_contract(path, backend.value, image))


@app.command()
def init(
    contract: Annotated[Path | None, typer.Option(help="Contract under test. Default: the one that is found.")] = None,
) -> None:
    """Write lab.yaml, a scenario, a load profile and a CI job into this folder. Nothing is overwritten."""
    from lab.commands.init import init as write

    write(Path.cwd(), contract)


@app.command()
def lint(paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Scenario files or folders.")]) -> None:
    """Check scenario files without running them: every problem as file:line:col."""
    from lab.commands.lint import lint_paths

    raise typer.Exit(lint_paths(paths))


@app.command()
def schema() -> None:
    """Print the JSON schema of scenario files, for editors."""
    from lab.scenario.schema import render

    print(render(), end="")


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="A run folder, or a folder of runs.")]) -> None:
    """Judge recorded evidence again, without any chain. Exit code 0 PASS, 1 FAIL, 3 anything else."""
    from lab.commands.check import check_folder

    raise typer.Exit(check_folder(folder))


@app.command()
def swarm(
    seeds: Annotated[int, typer.Option(help="How many seeds.")] = 100,
    first: Annotated[int, typer.Option(help="The first of them.")] = 1,
    minutes: Annotated[float | None, typer.Option(help="Begin no further seed after this time.")] = None,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 2,
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None,
    results: Results = RESULTS,
) -> None:
    """Try random flows, faults and timings; shrink what fails. Exit code 0 no FAIL, 1 FAIL, 3 too much unknown."""
    from lab.commands.swarm import swarm

    raise typer.Exit(swarm(seeds, first, minutes, jobs, contract, results))


@app.command()
def mutate(
    contract: Annotated[Path | None, typer.Option(help="Contract under test: a .vy source.")] = None,
    scenarios: Annotated[
        Path | None, typer.Option(help="What should notice. Default: scenarios/, else the lab's own library.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 2,
    limit: Annotated[int | None, typer.Option(help="Only so many mutants, the same ones each time.")] = None,
    sample: Annotated[bool, typer.Option("--sample", help="Only a few mutants, for CI.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only mutants whose key begins so.")] = None,
    every_run: Annotated[bool, typer.Option("--every-run", help="Also runs that show nothing new.")] = False,
    results: Results = RESULTS,
) -> None:
    """Change the contract's source in small ways and count what the scenarios notice. Exit code 0: 95 % or more."""
    from lab.commands.mutate import mutate

    raise typer.Exit(mutate(contract, scenarios, jobs, limit, sample, only or [], every_run, results))


@app.command()
def up(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NETWORK]...", help="Networks, profile files, or NAME=NETWORK. Default: two."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All five main networks.")] = False,
    backend: Backend = BackendChoice.auto,
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None,
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None,
    relayer: Annotated[bool, typer.Option(help="Run a relayer between them.")] = True,
    relayer_cmd: Annotated[str | None, typer.Option(help="Your own instead; it finds LAB_SESSION, {session}.")] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay here until Ctrl-C.")] = False,
    results: Results = RESULTS,
) -> None:
    """Start networks with the contract deployed and keep them running for manual use."""
    from lab.commands.up import bring_up

    bring_up(names or [], everything, backend.value, image, contract, relayer, foreground, results, relayer_cmd)


@app.command()
def status(results: Results = RESULTS) -> None:
    """Show each node that `lab up` keeps running. Exit code 3 if something is dead, or nothing runs."""
    from lab.commands.up import show_status

    raise typer.Exit(show_status(results))


@app.command()
def down(
    everything: Annotated[bool, typer.Option("--all", help="Remove what dead runs left behind, too.")] = False,
    results: Results = RESULTS,
) -> None:
    """Stop what `lab up` keeps running."""
    from lab.commands.up import take_down

    take_down(everything, results)


@app.command()
def load(
    profile: Annotated[str, typer.Argument(help="A profile of loadtests/, or a file.")] = "buffer",
    tps: Annotated[float | None, typer.Option(help="Arrivals a second, at the peak of the profile's shape.")] = None,
    duration: Annotated[str | None, typer.Option(help="60 (seconds), 90s, 10m.")] = None,
    names: Annotated[str | None, typer.Option("--networks", help="NETWORK or NAME=NETWORK, with commas.")] = None,
    operators: Annotated[int | None, typer.Option(help="Accounts that send, on each chain.")] = None,
    workers: Annotated[int | None, typer.Option(help="Locust processes that send.")] = None,
    contract: Annotated[Path | None, typer.Option(help="Contract under test: .vy, artifact, or FILE:NAME.")] = None,
    backend: Backend = BackendChoice.auto,
    image: Annotated[str | None, typer.Option(help="Node image of the docker backend (or LAB_IMAGE).")] = None,
    relayer_cmd: Annotated[str | None, typer.Option(help="Your relayer; it finds LAB_SESSION.")] = None,
    web: Annotated[bool, typer.Option("--web", help="Show Locust's web page while load runs.")] = False,
    web_port: Annotated[int, typer.Option(help="Its port, on 127.0.0.1.")] = 8089,
    saturate: Annotated[bool, typer.Option("--saturate", help="Search the highest rate that holds.")] = False,
    url: Annotated[list[str] | None, typer.Option(help="NETWORK=URL of a node that already runs.")] = None,
    allow_remote: Annotated[bool, typer.Option("--allow-remote", help="Let --url leave this machine.")] = False,
    results: Results = RESULTS,
) -> None:
    """Put load on networks and judge what became of it. Exit code 0 met, 1 missed, 3 invalid, infeasible or unknown."""
    from lab.commands.load import LoadRequest
    from lab.commands.load import load as run

    request = LoadRequest(
        profile, tps, duration, names, operators, workers, contract, backend.value, image, relayer_cmd,
        web_port if web else None, saturate, tuple(url or ()), allow_remote, results,
    )  # fmt: skip
    raise typer.Exit(run(request))


register(app)


def main() -> None:
    """The entry point."""
    let_streams_take_any_text()
    app()


if __name__ == "__main__":
    main()
