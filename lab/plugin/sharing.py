"""What the items of one pytest process share: the suite, the name of the evidence folder, the terminal."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TextIO

import pytest

from lab.errors import LabError, UsageError
from lab.session.project import find_project
from lab.session.relayer_command import RelayerCommand, parse_command
from lab.session.suite import Suite, open_suite

SUITE = pytest.StashKey[Suite]()
BROKEN = pytest.StashKey[LabError]()
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
    given: str | None = config.option.relayer_cmd
    if given is None:
        project = find_project(config.rootpath)
        command = project.relayer if project is not None else None
    else:
        command = parse_command(given, config.invocation_params.dir) if given else None
    if command is not None and config.option.clock == "virtual":
        raise UsageError(
            f"expected --clock real, got virtual, with a relayer of your own (`{command.told}`): it is a process, and "
            "nobody can hold its clock. Leave --clock out, or test the reference relayer with --relayer-cmd ''"
        )
    return command


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
                contract=options.contract,
                notify=lambda text: tell(config, text),
                smoke=True,
                project=find_project(config.rootpath),
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
