"""What the items of one pytest process share: the suite, the place of the evidence, the terminal.

Loaded by every pytest session, so what a run needs is imported only when there is one.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from lab.errors import EnvironmentFailure, LabError, UsageError, system_words
from lab.model.run_names import new_run_id
from lab.plugin.options import path_value, value

if TYPE_CHECKING:
    from lab.session.relayer.command import RelayerCommand
    from lab.session.suite import Suite
    from lab.session.under_test import SystemUnderTest

SUITE = pytest.StashKey["Suite"]()
BROKEN = pytest.StashKey[LabError]()
SYSTEM = pytest.StashKey["SystemUnderTest"]()
# The files that the session's items come from, once they are collected.
FILES = pytest.StashKey[Iterable[Path]]()
RUN_ID = pytest.StashKey[str]()
RESULTS = pytest.StashKey[Path]()
# Property of an item that was not run, since the contract cannot work.
NOT_RUN = "lab_not_run"
# How the reasons of skipped runs begin.
NOT_EXERCISED, NOT_RUN_SINCE = "not exercised: ", "not run: "
FOLDER = pytest.StashKey[Path]()


def _standard_error() -> int | None:
    """The standard error as it is when pytest loads its plugins: before it begins to capture what is written there."""
    try:
        return os.dup(2)
    except OSError:  # closed, as some daemons have it
        return None


STANDARD_ERROR = _standard_error()


def is_worker(config: pytest.Config) -> bool:
    """Whether this is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def begin_session(config: pytest.Config) -> None:
    """Name the session and its place, the same for all workers."""
    given: dict[str, Any] = getattr(config, "workerinput", {})
    config.stash[RUN_ID] = given.get("lab_run_id") or new_run_id()
    results = path_value(config, "results") or Path("results")
    config.stash[RESULTS] = Path(given.get("lab_results") or config.invocation_params.dir / results)


def session_folder(config: pytest.Config) -> Path:
    """Where this session's evidence goes; absolute, since a test may change the working folder."""
    return config.stash[RESULTS] / config.stash[RUN_ID]


def seen_from_here(config: pytest.Config, path: Path) -> Path:
    """A path as a person would write it in the folder that pytest was started in."""
    here = config.invocation_params.dir
    return path.relative_to(here) if path.is_relative_to(here) else path


def root_of(config: pytest.Config) -> Path:
    """The project's root, as far as pytest knows one: where its configuration is, above the working folder."""
    here, root = config.invocation_params.dir, config.rootpath
    configured = config.inipath is not None and config.inipath.parent == root
    return root if configured and here.is_relative_to(root) else here


@contextmanager
def quiet() -> Iterator[None]:
    """Warnings of the lab's own libraries are none of the tests': `filterwarnings = error` must not end a run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def asked_for(config: pytest.Config) -> list[Path]:
    """The paths on the command line, absolute."""
    here = config.invocation_params.dir
    return [here / argument.partition("::")[0] for argument in config.args]


def file_of(config: pytest.Config, node_id: str) -> Path | None:
    """The file of an item that a worker of pytest-xdist collected. Ids of files elsewhere begin at their argument."""
    name = node_id.partition("::")[0]
    for start in (config.rootpath, *asked_for(config)):
        for path in (start / name if name else start, start.parent / name):
            if path.is_file():
                return path
    return None


def add_library(config: pytest.Config) -> None:
    """`--library`: the lab's own scenarios are to be run, beside what the command line names, instead of everything."""
    from lab.paths import SCENARIOS

    given = config.args if config.args_source is pytest.Config.ArgsSource.ARGS else []
    config.args = [*(argument for argument in given if argument != str(SCENARIOS)), str(SCENARIOS)]


def relayer_command(config: pytest.Config) -> RelayerCommand | None:
    """The user's own relayer, as the option or lab.yaml names it; None for the reference. Raises UsageError.

    An empty option means the reference, whatever lab.yaml says.
    """
    command = system(config).relayer
    if command is not None and value(config, "clock") == "virtual":
        raise UsageError(
            f"expected --clock real, got virtual, with a relayer of your own (`{command.shown}`): it is a process, and "
            "its clock cannot be simulated. Omit --clock, or test the reference relayer with --relayer-cmd ''"
        )
    return command


def check_speed(config: pytest.Config) -> None:
    """Raises pytest.UsageError for a speed that is none, or has no meaning, before anything starts."""
    try:
        speed(config)
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None


def speed(config: pytest.Config) -> float:
    """How many seconds of chain time pass in one of the wall's. Raises UsageError, also where nothing is real time."""
    text = value(config, "speed")
    if text is None:
        return 1.0
    from lab.model.session import parse_speed

    factor, asked = parse_speed(text), getattr(config.option, "lab_speed", None) is not None
    if factor != 1 and asked and value(config, "clock") != "real" and relayer_command(config) is None:
        raise UsageError(
            f"expected --clock real or --relayer-cmd with --speed {factor:g}: under the virtual clock time takes as "
            "long as the work in it, and has no speed"
        )
    return factor


def in_real_time(config: pytest.Config) -> bool:
    """Whether all scenarios run on the real clock, or those with a relayer. False where an option is wrong."""
    try:
        return value(config, "clock") == "real" or relayer_command(config) is not None
    except (LabError, OSError):
        return False


def system(config: pytest.Config) -> SystemUnderTest:
    """Contract and relayer under test: by the options, else by the one lab.yaml of the items' files and of the cwd.

    Raises UsageError, InvalidFile.
    """
    if SYSTEM in config.stash:
        return config.stash[SYSTEM]
    from lab.session.under_test import system_under_test

    under_test = system_under_test(
        contract=path_value(config, "contract"),
        relayer_cmd=value(config, "relayer-cmd"),
        beside=config.stash.get(FILES, tuple(path for path in asked_for(config) if path.exists())),
        working_folder=config.invocation_params.dir,
    )
    if FILES in config.stash:
        config.stash[SYSTEM] = under_test
    return under_test


def suite(config: pytest.Config) -> Suite:
    """The suite of this process, opened when the first scenario needs it.

    What cannot be opened ends the session: every scenario would meet the same error. A worker of xdist has no session
    to end, so there each scenario meets it.
    """
    if BROKEN in config.stash:
        raise config.stash[BROKEN]
    if SUITE not in config.stash:
        try:
            with quiet(), environment("the lab cannot start"):
                config.stash[SUITE] = _open(config)
        except LabError as error:
            config.stash[BROKEN] = error
            if not is_worker(config):
                pytest.exit(str(error), returncode=error.exit_code)
            raise
    return config.stash[SUITE]


def _open(config: pytest.Config) -> Suite:
    from lab.session.suite import open_suite

    relayer_command(config)
    return open_suite(
        run_id=config.stash[RUN_ID],
        backend=value(config, "backend"),  # type: ignore[arg-type]  # its choices are those of the option
        image=value(config, "image"),
        system=system(config),
        notify=lambda text: notify(config, text),
        smoke=True,
    )


@contextmanager
def environment(what: str) -> Iterator[None]:
    """What the machine refuses becomes a sentence: the system's errors, and those of an engine that is gone."""
    try:
        yield
    except (LabError, KeyboardInterrupt):
        raise
    except Exception as error:
        engine = type(error).__module__.partition(".")[0] in ("docker", "requests", "urllib3", "testcontainers")
        if not engine and not isinstance(error, (OSError, MemoryError)):
            raise
        place = f" ({error.filename})" if isinstance(error, OSError) and error.filename else ""
        raise EnvironmentFailure(
            f"{what}: {system_words(error) or type(error).__name__}{place}. `lab doctor` shows what this machine lacks"
        ) from error


def terminal(config: pytest.Config) -> TextIO | None:
    """Where a person reads, past pytest's capture of output; None in a worker of pytest-xdist, which speaks to none."""
    if is_worker(config) or STANDARD_ERROR is None:
        return None
    try:
        return os.fdopen(STANDARD_ERROR, "w", encoding="utf-8", errors="replace", closefd=False)
    except OSError:
        return None


def notify(config: pytest.Config, text: str) -> None:
    """Say something now. Whoever closed the other end does not hear it."""
    file = terminal(config)
    if file is not None:
        with suppress(OSError), file:
            print(f"\n{text}", file=file, flush=True)
