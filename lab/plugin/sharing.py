"""What the items of one pytest process share: the suite, the place of the evidence, the terminal.

Loaded by every pytest session, so what a run needs is imported only when there is one.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import pytest

from lab.errors import EnvironmentFailure, LabError, UsageError, system_words
from lab.model.run_names import new_run_id
from lab.plugin.options import path_value, value

if TYPE_CHECKING:
    from lab.session.relayer_command import RelayerCommand
    from lab.session.suite import Suite

SUITE = pytest.StashKey["Suite"]()
BROKEN = pytest.StashKey[LabError]()
RUN_ID = pytest.StashKey[str]()
RESULTS = pytest.StashKey[Path]()
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


def has_workers(config: pytest.Config) -> bool:
    """Whether this process only hands the tests out to workers of pytest-xdist."""
    return config.pluginmanager.hasplugin("dsession")


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


def relayer_command(config: pytest.Config) -> RelayerCommand | None:
    """The user's own relayer, as the option or lab.yaml names it; None for the reference. Raises UsageError.

    An empty option means the reference, whatever lab.yaml says.
    """
    from lab.session.project import find_project
    from lab.session.relayer_command import parse_command

    given = value(config, "relayer-cmd")
    if given is None:
        project = find_project(config.rootpath)
        command = project.relayer if project is not None else None
    else:
        command = parse_command(given, config.invocation_params.dir) if given else None
    if command is not None and value(config, "clock") == "virtual":
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
    from lab.session.project import find_project
    from lab.session.suite import open_suite

    relayer_command(config)
    return open_suite(
        run_id=config.stash[RUN_ID],
        backend=value(config, "backend"),  # type: ignore[arg-type]  # its choices are those of the option
        image=value(config, "image"),
        contract=path_value(config, "contract"),
        notify=lambda text: tell(config, text),
        smoke=True,
        project=find_project(config.rootpath),
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


def tell(config: pytest.Config, text: str) -> None:
    """Say something now. Whoever closed the other end does not hear it."""
    file = terminal(config)
    if file is not None:
        with suppress(OSError), file:
            print(f"\n{text}", file=file, flush=True)
