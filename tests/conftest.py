"""What all tests find: the broken contracts as their patches have them now, and what the machine has.

Tests that need what a machine may lack are marked, skipped where it is missing, and counted.
A test that asks for the fixture `engine` or `browser` carries the mark of that name; `load` and `real_clock` say that
a test mostly waits, so that it can be chosen with `-m`, and others run meanwhile.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer.main
import typer.testing
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from lab.broken import read_bugs, write_contracts
from lab.chains.engine.client import connect
from lab.chains.nodes.image import build_image
from lab.chains.nodes.process import ProcessBackend
from lab.chains.nodes.provision import AnvilBinary, locate_anvil
from lab.chains.nodes.select import find_image
from lab.errors import EnvironmentFailure
from lab.monitor.tools import missing as missing_tools
from lab.paths import CONTRACTS
from lab.plugin.reporting import skip_reasons
from lab.session.relayer.dilation import missing as no_dilation
from lab.session.suite import cache_folder
from tests.compiling import answer_here, compile_here, no_older_python, sparing
from tests.order import LONG_S, Place, dealt, read_longest
from tests.reliability.counting import write_figures

# How long an example takes, to be drawn or to run, says how busy the machine is. All else as the profile of this place
# (CI has one) has it.
UNHURRIED = {*settings().suppress_health_check, HealthCheck.too_slow}
settings.register_profile("any machine", parent=settings(), deadline=None, suppress_health_check=UNHURRIED)
settings.load_profile("any machine")
# Else examples would be drawn with constants of whatever modules a worker has loaded, which it reads for seconds.
providers._get_local_constants = lambda: providers._local_constants

# The commands are the same for each call of a test's runner, and building them takes a tenth of a second.
typer.testing._get_command = cache(typer.main.get_command)  # type: ignore[attr-defined]

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The system's own Chromium; none is downloaded."""
    return os.environ.get("LAB_CHROMIUM") or next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def _no_engine() -> str | None:
    try:
        connect(timeout_s=5).close()
    except EnvironmentFailure:
        return "no Docker engine (start one with `dockerd`, or name one with DOCKER_HOST)"
    return None


def _no_browser() -> str | None:
    if chromium() is None:
        return "no Chromium (apt install chromium, or name one with LAB_CHROMIUM)"
    return None if find_spec("playwright") else "no playwright (pip install playwright)"


# Mark -> (the fixture that needs it, why it is missing on this machine if it is).
CAPABILITIES: dict[str, tuple[str, Callable[[], str | None]]] = {
    "docker": ("engine", _no_engine),
    "browser": ("browser", _no_browser),
    "prometheus": ("prometheus_tools", missing_tools),
    "faketime": ("libfaketime", no_dilation),
    "older_vyper": ("older_python", no_older_python),
}

WAITING = ("real_clock", "load")


def pytest_sessionstart() -> None:
    """Before anything is collected, for some tests name these contracts in their parameters."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A run in the background of a shell ignores Ctrl-C, and so would all that the tests start and interrupt.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    write_contracts(read_bugs(), CONTRACTS / "broken")


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Iterator[None]:
    """What is loaded and collected stays to the end: no collection of garbage looks through it again.

    Of what tests make, next to nothing is garbage in a circle: it is looked for every 20,000 objects, not every 700.
    """
    gc.disable()
    try:
        _load_a_share(session.config)
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)
        gc.enable()


def _load_a_share(config: pytest.Config) -> None:
    """In the n-th worker, load every n-th test module first: what one has compiled, the others find."""
    if (worker := getattr(config, "workerinput", None)) is None:
        return
    folders = [folder for name in config.args if (folder := config.invocation_params.dir / name).is_dir()]
    files = sorted(path for folder in folders for path in folder.resolve().rglob("test_*.py"))
    left_out = [config.invocation_params.dir / name for name in config.getoption("ignore") or ()]
    files = [path for path in files if not (any(map(path.is_relative_to, left_out)) or _needless(path, config))]
    for path in files[int(worker["workerid"].removeprefix("gw")) :: worker["workercount"]]:
        # Collection meets the error again, and says it.
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(config.rootpath).with_suffix("").parts))


def _needless(path: Path, config: pytest.Config) -> bool:
    """Whether `make torture` has nothing to load a module of tests for: one that does not name its mark."""
    torture = config.getoption("markexpr") == "reliability" and path.match("test_*.py")
    return torture and "reliability" not in path.read_text(encoding="utf-8")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Most modules of tests hold nothing for `make torture`, and loading all of them takes each worker seconds."""
    return True if _needless(collection_path, config) else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Mark what needs a capability, before `-m` selects; skip it where the machine has none.

    Of what was selected, a worker of several starts with what lasts long.
    """
    for mark, (fixture, missing) in CAPABILITIES.items():
        for item in items:
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)
        needing = [item for item in items if item.get_closest_marker(mark)]
        reason = missing() if needing else None
        for item in needing:
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))
    yield
    if worker := getattr(config, "workerinput", None):
        longest = read_longest()
        waits = [any(map(item.get_closest_marker, WAITING)) for item in items]
        places = [
            Place(str(item.path), longest.get(item.nodeid, LONG_S * waiting), waiting)
            for item, waiting in zip(items, waits, strict=True)
        ]
        items[:] = dealt(items, places, worker["workercount"])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason to skip, however many tests it kept from running; and the figures of `make torture`."""
    write_figures(terminalreporter)
    for reason, count in skip_reasons(terminalreporter).items():
        terminalreporter.write_line(f"{count} skipped: {reason}", yellow=True)


@pytest.fixture(scope="session")
def anvil() -> AnvilBinary:
    """The node's binary, fetched where the machine has none."""
    return locate_anvil()


@pytest.fixture(scope="session")
def prometheus_tools() -> None:
    """Prometheus, Alertmanager and their tools are on PATH."""


@pytest.fixture(scope="session")
def older_python() -> None:
    """A Python on which Vyper before 0.4.0 runs."""


@pytest.fixture(scope="session")
def engine() -> None:
    """A Docker engine answers."""


@pytest.fixture(scope="session")
def image(engine: None, anvil: AnvilBinary) -> Iterator[str]:
    """The image that the lab would use; where there is none, one built for this test session and removed after it."""
    try:
        name, _ = find_image(pull=False)
    except EnvironmentFailure:
        name = f"tesseract-lab/anvil-test:{os.getpid()}"
        build_image(name, anvil)
        yield name
        client = connect()
        client.images.remove(name, force=True)
        client.close()
    else:
        yield name


@pytest.fixture
def asked_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is asked of the installed compiler is answered here: ours needs no bounds, and a process costs as much."""
    monkeypatch.setattr("lab.deploy.vyper.compilers.run_limited", answer_here)
    with sparing():
        yield


@pytest.fixture
def compiled_here(asked_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """And so are contracts compiled."""
    monkeypatch.setattr("lab.deploy.compile.run_compiler", compile_here)


@pytest.fixture(scope="session")
def own_cache(tmp_path_factory: pytest.TempPathFactory, anvil: AnvilBinary) -> Path:
    """An XDG_CACHE_HOME of this session's: node and contracts are the user's, what a load signs is thrown away."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "tesseract-lab").mkdir()
    for made_again in ("anvil", "compiled"):
        (cache_folder() / made_again).mkdir(parents=True, exist_ok=True)
        (cache / "tesseract-lab" / made_again).symlink_to(cache_folder() / made_again)
    return cache


@pytest.fixture(scope="session")
def loaded_once() -> None:
    """Modules that no process can load a second time."""
    import numpy  # noqa: F401
    import scipy.special  # noqa: F401


@pytest.fixture
def pytester(loaded_once: None, pytester: pytest.Pytester) -> pytest.Pytester:
    """Its sessions in this process forget what modules they loaded, but for those that were there before."""
    return pytester


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what a child loads: `make coverage` has each measured, and what measures is loaded."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)


@pytest.fixture(scope="session")
def shared_backend(anvil: AnvilBinary) -> Iterator[ProcessBackend]:
    """One for all tests that only want a chain; each of their nodes is stopped by the test that started it."""
    backend = ProcessBackend(anvil)
    yield backend
    backend.close()


@pytest.fixture(scope="session")
def open_backend(anvil: AnvilBinary) -> Iterator[ProcessBackend]:
    """The same without guards, as where a machine has none: for tests whose requests go to a node's URL.

    A guard hands on every byte of them, and starts with its node: a third of what such a test takes.
    """
    backend = ProcessBackend(anvil)
    backend._guarding = False
    yield backend
    backend.close()
