"""What the items of one pytest process share: the suite, the name of the evidence folder, the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import pytest

from lab.errors import LabError
from lab.session.project import find_project
from lab.session.suite import Suite, open_suite

SUITE = pytest.StashKey[Suite]()
BROKEN = pytest.StashKey[LabError]()
RUN_ID = pytest.StashKey[str]()
FOLDER = pytest.StashKey[Path]()


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


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
    """Where pytest itself writes, past its capture of output; None in an xdist worker, which has no terminal."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    file: TextIO | None = None if reporter is None else reporter._tw._file
    return file


def tell(config: pytest.Config, text: str) -> None:
    file = terminal(config)
    if file is not None:
        print(f"\n{text}", file=file, flush=True)
