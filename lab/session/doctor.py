"""Says whether this machine can run the lab, and the fix for each line that is red. Looks only, changes nothing."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

import lab
from lab.chains.engine.address import WAY_OUT
from lab.chains.engine.client import connect
from lab.chains.engine.settings import read_config
from lab.chains.nodes.backend import HOST
from lab.chains.nodes.guard import guarding_works
from lab.chains.nodes.pinned import PINNED_VERSION, why_not_here
from lab.chains.nodes.provision import THREE_WAYS_OUT, locate_anvil
from lab.chains.nodes.select import RequestedBackend, find_image
from lab.chains.processes.child import LINUX
from lab.chains.processes.leftovers import find_leftovers, summary
from lab.environment import (
    OPEN_FILES_ADVISED,
    OPEN_FILES_MIN,
    cache_folder,
    can_write,
    git,
    open_files_limit,
    temporary_folder,
    with_advice,
)
from lab.errors import EnvironmentFailure, LabError, entry
from lab.paths import seen_from_here

PYTHON_MIN = (3, 11)
VYPER_SERIES = "0.4."
# A full run of the scenarios writes some tens of MiB; an unpruned node may write 400 MiB of old state.
FREE_BYTES_MIN = 1 << 30

# What holds where the first line of defence does not.
_OPEN_NODES = "nodes listen on 127.0.0.1, where a page in a browser of this machine can drive them by WebSocket"
_KEPT_CLOSED = "open no pages that you do not trust while nodes run; what they send is noticed as a stray (UNKNOWN)"

Status = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Line:
    """One finding. `needed` is false where the lab works without it: then it is a warning, not an error."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    needed: bool = True

    @property
    def status(self) -> Status:
        if self.ok:
            return "ok"
        return "error" if self.needed else "warning"


def diagnose(backend: RequestedBackend = "auto", results: Path = Path("results")) -> list[Line]:
    """Look at everything a run on this backend needs. Docker is needed only if asked for, or if there is no anvil."""
    anvil = _anvil(needed=backend != "docker")
    docker_needed = backend == "docker" or (backend == "auto" and not anvil.ok)
    engine = _engine(docker_needed)
    return [
        _python(),
        _compiler(),
        anvil,
        engine,
        _image(docker_needed)
        if engine.ok
        else Line("image", False, "not looked for: no engine answers", "start the engine first", docker_needed),
        _ports(),
        _guard(docker=backend == "docker" or docker_needed),
        _parent_death(),
        _git(),
        _disk("disk: results", results),
        _temporary(),
        _cache(),
        _open_files(),
        _leftovers(),
    ]


def healthy(lines: Sequence[Line]) -> bool:
    """Whether the lab can run: warnings do not count."""
    return all(line.status != "error" for line in lines)


def render(lines: Sequence[Line], console: Console | None = None) -> None:
    """Print the findings as a table, each with its fix where it is not green."""
    colours: dict[Status, str] = {"ok": "green", "warning": "yellow", "error": "red"}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("", "What", "Found"):
        table.add_column(heading, overflow="fold")
    for line in lines:
        table.add_row(f"[{colours[line.status]}]{line.status}[/]", line.name, escape(line.detail))
        if not line.ok and line.fix:
            table.add_row("", "", f"[bold]fix:[/] {escape(line.fix)} ({escape(seen_from_here(entry(line.name)))})")
    (console or Console()).print(table)


def _python() -> Line:
    version = ".".join(map(str, sys.version_info[:3]))
    needs = ".".join(map(str, PYTHON_MIN))
    return Line(
        "Python",
        sys.version_info >= PYTHON_MIN,
        f"{version} at {sys.executable}",
        f"install Python {needs} or newer and create the environment anew with `make`",
    )


def _compiler() -> Line:
    fix = "run `make` in the repository, or `pip install -e .`, to install the pinned vyper into this environment"
    try:
        importlib.import_module("vyper")
        version = importlib.metadata.version("vyper")
    except Exception as error:
        # A compiler with a broken dependency fails in any way it likes.
        return Line("compiler", False, f"vyper cannot be imported: {error}", fix)
    return Line("compiler", version.startswith(VYPER_SERIES), f"vyper {version}", fix)


def _anvil(needed: bool) -> Line:
    passed_over: list[str] = []
    try:
        anvil = locate_anvil(passed_over.append, provision=False)
    except LabError as failure:
        found_nothing = str(failure).removesuffix(f" {THREE_WAYS_OUT}")
        trouble = why_not_here()
        return Line(
            "anvil",
            False,
            "; ".join([*passed_over, found_nothing, *([trouble] if trouble else [])]),
            "see above"
            if trouble
            else f"run `lab contract` with network access once, or set LAB_ANVIL to an anvil {PINNED_VERSION}",
            needed,
        )
    note = "" if anvil.version.startswith(PINNED_VERSION) else f", not the pinned {PINNED_VERSION}: digests may differ"
    return Line("anvil", True, f"{anvil.version} at {anvil.path} (from {anvil.source}){note}")


def _engine(needed: bool) -> Line:
    try:
        client = connect(timeout_s=2)
    except LabError as failure:
        fix = "see above, or set DOCKER_HOST" + ("" if needed else "; or leave it: the process backend needs no engine")
        return Line("Docker engine", False, str(failure).removesuffix(f" {WAY_OUT}"), fix, needed)
    try:
        trouble = read_config()[1]
        note = f"; {trouble}" if trouble else ""
        return Line("Docker engine", True, f"{client.version().get('Version')} answers{note}")
    finally:
        client.close()


def _image(needed: bool) -> Line:
    try:
        image, origin = find_image(pull=False)
    except LabError as failure:
        return Line("image", False, str(failure).splitlines()[0], "run `lab image build`, or set LAB_IMAGE", needed)
    return Line("image", True, f"{image} ({origin})")


def _ports() -> Line:
    try:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            probe.listen()
            socket.create_connection(probe.getsockname(), timeout=2).close()
    except OSError as error:
        return Line(
            "ports",
            False,
            f"cannot listen on {HOST} and connect to it: {error}",
            f"bring the loopback interface up (`ip link set lo up`) and allow local connections to {HOST}",
        )
    return Line("ports", True, f"{HOST} can be listened on and connected to")


def _guard(*, docker: bool) -> Line:
    if docker:
        return Line("node guard", False, f"the docker backend has none: {_OPEN_NODES}", _KEPT_CLOSED, needed=False)
    if guarding_works():
        return Line("node guard", True, "nodes have a network of their own, which the lab and its guard alone reach")
    why = (
        "this system has no network namespaces"
        if not LINUX
        else "no network namespaces are to be had here, or util-linux's nsenter is missing"
    )
    return Line("node guard", False, f"{why}: {_OPEN_NODES}", _KEPT_CLOSED, needed=False)


def _parent_death() -> Line:
    if LINUX:
        return Line("orphans", True, "the kernel ends what the lab started, were the lab and its watcher both killed")
    detail = "no signal at a parent's death on this system: only a watcher ends what the lab started"
    return Line("orphans", False, detail, "after a kill run `lab down --all`; the next run does the same", needed=False)


def _git() -> Line:
    """Whether reports can say which commit they are of: without one, evidence of a changed tree is not told apart."""
    folders = {"the lab": Path(lab.__file__).parent, "the working folder": Path.cwd()}
    facts = []
    for what, folder in folders.items():
        try:
            facts.append(f"{what}: {git(folder, 'rev-parse', '--short', 'HEAD')}")
        except EnvironmentFailure as failure:
            if "not a git repository" not in str(failure):
                return Line("git", False, f"{what}: {failure}", "see above; runs then name no commit", needed=False)
            facts.append(f"{what}: no repository")
    return Line("git", True, ", ".join(facts))


def _temporary() -> Line:
    try:
        return _disk("disk: temporary", temporary_folder())
    except EnvironmentFailure as failure:
        return Line("disk: temporary", False, str(failure), "make TMPDIR name a folder that can be written to")


def _cache() -> Line:
    named = os.environ.get("XDG_CACHE_HOME", "")
    note = "" if not named or Path(named).is_absolute() else f" (XDG_CACHE_HOME={named} is relative, and so ignored)"
    try:
        folder = cache_folder()
    except EnvironmentFailure as failure:
        return Line("cache", False, str(failure), "set XDG_CACHE_HOME to a folder of yours")
    return Line("cache", can_write(folder), f"{folder}{note}", "make it writable, or set XDG_CACHE_HOME to another")


def _open_files() -> Line:
    limit = open_files_limit()
    return Line(
        "open files",
        limit is None or limit >= OPEN_FILES_MIN,
        "no limit" if limit is None else f"{limit} at once (`ulimit -n`), up to {OPEN_FILES_MIN} may be needed",
        f"run `ulimit -n {OPEN_FILES_ADVISED}` in this shell",
    )


def _leftovers() -> Line:
    try:
        left = find_leftovers(ask_engine=True)
    except OSError as error:
        return Line("leftovers", False, f"cannot look: {with_advice(error)}", "see above", needed=False)
    detail = summary(left) if left else "no run that was killed has left anything"
    return Line("leftovers", not left, detail, "`lab down --all` removes it; so does the next run", needed=False)


def _disk(name: str, folder: Path) -> Line:
    """Judges the nearest folder that exists: `results` is created by the first run."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    writable = existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)
    detail = f"{free / (1 << 30):.1f} GiB free in {existing}" + ("" if writable else ", which cannot be written to")
    return Line(
        name,
        writable and free >= FREE_BYTES_MIN,
        detail,
        f"free {FREE_BYTES_MIN >> 30} GiB there and make it writable, or choose another folder",
    )
