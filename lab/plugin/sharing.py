"""What the items of one pytest process share: the suite, the name of the evidence folder, the terminal."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import pytest

from lab.errors import LabError, UsageError
from lab.paths import SCENARIOS
from lab.session.relayer_command import RelayerCommand
from lab.session.suite import Suite, open_suite
from lab.session.under_test import SystemUnderTest, system_under_test

SUITE = pytest.StashKey[Suite]()
BROKEN = pytest.StashKey[LabError]()
SYSTEM = pytest.StashKey[SystemUnderTest]()
# The files that the session's items come from, once they are collected.
FILES = pytest.StashKey[Iterable[Path]]()
RUN_ID = pytest.StashKey[str]()
FOLDER = pytest.StashKey[Path]()
# The standard error as it is when pytest loads its plugins: before it begins to capture what is written there.
TERMINAL: TextIO = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def relayer_command(config: pytest.Config) -> RelayerCommand | None:
    """The user's own relayer, as the option or lab.yaml names it; None for the reference. Raises UsageError.

    An empty option means the reference, whatever lab.yaml says.
    """
    command = system(config).relayer
    if command is not None and config.option.clock == "virtual":
        raise UsageError(
            f"expected --clock real, got virtual, with a relayer of your own (`{command.told}`): it is a process, and "
            "nobody can hold its clock. Leave --clock out, or test the reference relayer with --relayer-cmd ''"
        )
    return command


def system(config: pytest.Config) -> SystemUnderTest:
    """Contract and relayer under test: by the options, else by the one lab.yaml of the items' files and the working
    folder. Raises UsageError, InvalidFile."""
    if SYSTEM in config.stash:
        return config.stash[SYSTEM]
    folder = config.invocation_params.dir
    named = [folder / argument.split("::")[0] for argument in config.args]
    found = system_under_test(
        contract=config.option.contract,
        relayer_cmd=config.option.relayer_cmd,
        beside=config.stash.get(FILES, tuple(path for path in named if path.exists())),
        working_folder=folder,
    )
    if FILES in config.stash:
        config.stash[SYSTEM] = found
    return found


def file_of(config: pytest.Config, node_id: str) -> Path | None:
    """The file of an item that a worker of pytest-xdist collected. Ids of files elsewhere begin at their argument."""
    name = node_id.partition("::")[0]
    folder = config.invocation_params.dir
    bases = [config.rootpath, *(folder / argument.split("::")[0] for argument in config.args)]
    places = [place for base in bases for place in (base / name, base.parent / name)]
    return next((place for place in places if place.is_file()), None)


def add_library(config: pytest.Config) -> None:
    """`--library`: the lab's own scenarios are to be run, beside what the command line names, instead of everything."""
    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    config.args = [*(argument for argument in given if argument != str(SCENARIOS)), str(SCENARIOS)]


def suite(config: pytest.Config) -> Suite:
    """The suite of this process, opened when the first scenario needs it.

    What cannot be opened ends the session: every scenario would meet the same error. A worker of xdist has no session
    to end, so there each scenario meets it.
    """
    if BROKEN in config.stash:
        raise config.stash[BROKEN]
    if SUITE not in config.stash:
        options = config.option
        try:
            relayer_command(config)
            config.stash[SUITE] = open_suite(
                run_id=config.stash[RUN_ID],
                backend=options.backend,
                image=options.image,
                system=system(config),
                notify=lambda text: tell(config, text),
                smoke=True,
            )
        except LabError as error:
            config.stash[BROKEN] = error
            if not is_worker(config):
                pytest.exit(str(error), returncode=error.exit_code)
            raise
    return config.stash[SUITE]


def terminal(config: pytest.Config) -> TextIO | None:
    """Where a person reads, past pytest's capture of output; None in a worker of pytest-xdist, which speaks to none."""
    return None if is_worker(config) else TERMINAL


def tell(config: pytest.Config, text: str) -> None:
    file = terminal(config)
    if file is not None:
        print(f"\n{text}", file=file, flush=True)
