"""The options and files of `lab up`: who supervises the networks, what runs, how it stands.

A state file outlives a supervisor that was killed, so it proves nothing by itself: the mark of its owner does.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from lab.bounded_files import UnfitFile, open_append, read_model, write_atomically
from lab.errors import LabError, UsageError
from lab.model.session import GUEST_KEYS, GUEST_SESSION, Session
from lab.networks import load_network, split_named
from lab.networks.profile import NetworkProfile
from lab.owner import Owner

STATE, SESSION, KEYS, STORE, LOG, LOCK = (
    "supervisor.json",
    "session.json",
    "keys.json",
    "relayer.sqlite",
    "up.log",
    "lock",
)
Model = TypeVar("Model", bound=BaseModel)


class UnreadableState(LabError):
    """A file of `lab up` is not what `lab up` writes. `lab down` removes it."""

    exit_code = 3


class UpOptions(BaseModel):
    """What to keep running. A network is a profile's name or file, or NAME=PROFILE for a chain of another name."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    networks: tuple[str, ...]
    results: str
    backend: Literal["auto", "process", "docker"] = "auto"
    image: str | None = None
    contract: str | None = None
    relayer: bool = True
    relayer_cmd: str | None = None
    speed: float = 1.0

    def profiles(self) -> dict[str, NetworkProfile]:
        """The profiles by the name of their chain. Raises UsageError or InvalidFile with what is wrong with one."""
        profiles: dict[str, NetworkProfile] = {}
        for text in self.networks:
            name, network = split_named(text)
            profile = load_network(network)
            name = name or profile.name
            if name in profiles:
                raise UsageError(f"expected each chain once, got {name} twice: name the second, as in two={network}")
            profiles[name] = profile
        return profiles


class UpState(BaseModel):
    """What a supervisor says of itself. `problems` name the chains that cannot be mined just now, and why."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    run_id: str
    owner: str
    place: str
    started: str
    networks: tuple[str, ...]
    phase: Literal["starting", "running"] = "starting"
    backend: str = ""
    relayer: Literal["off", "running", "dead"] = "off"
    memory_bytes: dict[str, int | None] = {}
    problems: dict[str, str] = {}

    @property
    def supervisor(self) -> Owner:
        """The supervisor's process."""
        return Owner.parse(self.owner, self.place)

    @property
    def alive(self) -> bool:
        """Whether the supervisor itself still runs, not another process of the same number."""
        return self.supervisor.state == "alive"

    def __str__(self) -> str:
        return f"run {self.run_id} ({', '.join(self.networks)}; supervisor {self.supervisor.pid}, since {self.started})"


class UpFolder:
    """`results/up`. One supervisor at a time holds its lock, which the system takes back when that process ends."""

    def __init__(self, results: Path) -> None:
        self.path = results.absolute() / "up"

    @property
    def log(self) -> Path:
        """The supervisor's log."""
        return self.path / LOG

    def state(self) -> UpState | None:
        """None where there is no state file. Raises UnreadableState for one of another shape."""
        return self._read(STATE, UpState)

    def session(self) -> Session | None:
        """None where there is no session file. Raises UnreadableState for one of another shape."""
        return self._read(SESSION, Session)

    def _read(self, name: str, model: type[Model]) -> Model | None:
        path = self.path / name
        try:
            return read_model(path, model)
        except FileNotFoundError:
            return None
        except UnfitFile as unfit:
            if not path.exists():
                return None
            what = unfit.strerror
            raise UnreadableState(
                f"{path}: expected what `lab up` writes, got {what}; `lab down` removes it and what it stands for"
            ) from None
        except OSError as error:
            raise UnreadableState(f"{path}: cannot be read: {error.strerror}") from error

    def write(self, state: UpState) -> None:
        """Write the state whole or not at all. Raises OSError, also when the folder has been removed meanwhile."""
        if not self.path.is_dir():
            raise FileNotFoundError(errno.ENOENT, "the folder was removed", str(self.path))
        write_atomically(self.path / STATE, state.model_dump_json(indent=2) + "\n")

    def refuse_second(self) -> UpState | None:
        """The state that a dead supervisor left, if one did. Raises UsageError, naming the run, if one may be alive."""
        try:
            state = self.state()
        except UnreadableState:
            # The lock says whether somebody is alive; what cannot be read is written anew.
            return None
        if state is None or state.supervisor.state == "dead":
            return state
        if state.alive:
            raise UsageError(
                f"networks are running here already: {state}, in {self.path}. See them with `lab status`, "
                "stop them with `lab down`, or start others beside them with --results FOLDER."
            )
        raise UsageError(
            f"{self.path} holds the state of {state}, of another machine, container or boot, where it may still run: "
            "run `lab down` there, or here if it is long gone, or choose another folder with --results FOLDER."
        )

    def is_locked(self) -> bool:
        """Whether a supervisor, of whatever state, holds the lock."""
        try:
            with (self.path / LOCK).open("r") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    @contextlib.contextmanager
    def locked(self) -> Iterator[UpState | None]:
        """Be the one supervisor of this folder; the state that a dead one left. Raises UsageError if there is one."""
        left = self.refuse_second()
        self.path.mkdir(parents=True, exist_ok=True)
        with open_append(self.path / LOCK) as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"another `lab up` is starting in {self.path}: see `lab status`") from None
            yield left

    def clear(self) -> None:
        """Remove what speaks of a running lab; logs stay. The lock's file too: removed, it could be taken twice."""
        for name in (
            STATE,
            SESSION,
            KEYS,
            GUEST_SESSION,
            GUEST_KEYS,
            *(f"{STORE}{suffix}" for suffix in ("", "-wal", "-shm", "-journal")),
        ):
            (self.path / name).unlink(missing_ok=True)

    def clear_logs(self) -> None:
        """Remove the nodes' logs of an earlier run."""
        shutil.rmtree(self.path / "logs", ignore_errors=True)
