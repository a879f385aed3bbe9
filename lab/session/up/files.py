"""The options and files of `lab up`: who supervises the networks, what runs, how it stands.

A state file outlives a supervisor that was killed, so it proves nothing by itself: the mark of its owner does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from lab.bounded_files import read_model, write_atomically
from lab.chains.processes.reaper import owner_alive
from lab.errors import UsageError
from lab.model.session import Session
from lab.networks import load_network, split_named
from lab.networks.profile import NetworkProfile

STATE, SESSION, KEYS, STORE, LOG, LOCK = (
    "supervisor.json",
    "session.json",
    "keys.json",
    "relayer.sqlite",
    "up.log",
    "lock",
)


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What to keep running. A network is a profile's name or file, or NAME=PROFILE for a chain of another name."""

    networks: tuple[str, ...]
    results: str
    backend: Literal["auto", "process", "docker"] = "auto"
    image: str | None = None
    contract: str | None = None
    relayer: bool = True
    relayer_cmd: str | None = None

    def profiles(self) -> dict[str, NetworkProfile]:
        """The profiles by the name of their chain. Raises UsageError or InvalidFile with what is wrong with one."""
        found: dict[str, NetworkProfile] = {}
        for text in self.networks:
            name, wanted = split_named(text)
            profile = load_network(wanted)
            name = name or profile.name
            if name in found:
                raise UsageError(f"expected each chain once, got {name} twice: name the second, as in two={wanted}")
            found[name] = profile
        return found

    def to_json(self) -> str:
        """For the supervisor's command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> UpOptions:
        """Read `to_json`."""
        given = json.loads(text)
        return cls(**{**given, "networks": tuple(given["networks"])})


class UpState(BaseModel):
    """What a supervisor says of itself. `problems` name the chains that cannot be mined just now, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    run_id: str
    owner: str
    started: str
    networks: tuple[str, ...]
    phase: Literal["starting", "running"] = "starting"
    backend: str = ""
    relayer: Literal["off", "running", "dead"] = "off"
    memory_bytes: dict[str, int | None] = {}
    problems: dict[str, str] = {}

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        return int(self.owner.partition(":")[0])

    @property
    def alive(self) -> bool:
        """Whether the supervisor itself still runs, not another process of the same number."""
        return owner_alive(self.owner)

    def __str__(self) -> str:
        return f"run {self.run_id} ({', '.join(self.networks)}; supervisor {self.pid}, since {self.started})"


class UpFolder:
    """`results/up`. One supervisor at a time holds its lock, which the system takes back when that process ends."""

    def __init__(self, results: Path) -> None:
        self.path = results.absolute() / "up"

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.path / LOG

    def state(self) -> UpState | None:
        """None where there is no state file, or one of another shape."""
        try:
            return read_model(self.path / STATE, UpState)
        except OSError:
            return None

    def session(self) -> Session | None:
        """None where there is no session file, or one of another shape."""
        try:
            return Session.read(self.path / SESSION)
        except OSError:
            return None

    def write(self, state: UpState) -> None:
        """Write the state whole or not at all. Raises OSError, also when the folder has been removed meanwhile."""
        if not self.path.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder was removed", str(self.path))
        write_atomically(self.path / STATE, state.model_dump_json(indent=2) + "\n")

    def refuse_second(self) -> None:
        """Raises UsageError, naming the run, if a supervisor is alive here."""
        state = self.state()
        if state is not None and state.alive:
            raise UsageError(
                f"networks are running here already: {state}, in {self.path}. See them with `lab status`, "
                "stop them with `lab down`, or start others beside them with --results FOLDER."
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Be the one supervisor of this folder. Raises UsageError if there is one."""
        self.refuse_second()
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"another `lab up` is starting in {self.path}: see `lab status`") from None
            yield

    def clear(self) -> None:
        """Remove what speaks of a running lab; logs stay. The lock's file too: removed, it could be taken twice."""
        for name in (STATE, SESSION, KEYS, *(f"{STORE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal"))):
            (self.path / name).unlink(missing_ok=True)

    def clear_logs(self) -> None:
        """Remove the nodes' logs of an earlier run."""
        shutil.rmtree(self.path / "logs", ignore_errors=True)
