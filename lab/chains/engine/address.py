"""Where the Docker engine is, found as the docker command finds it.

DOCKER_HOST wins over DOCKER_CONTEXT, that over the context in config.json; without any of them the first socket that
takes a connection is used: Docker's own, a rootless one, those of desktop products, Podman's. `client` beside this
module speaks to it.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from lab.chains.engine.answers import bound
from lab.chains.engine.settings import config_file, config_folder, given_to_the_sdk, read_config, read_context
from lab.environment import give_home, home, user_id, user_name
from lab.errors import EnvironmentFailure, system_words

if TYPE_CHECKING:
    import docker

PROBE_S = 1.0
DEFAULT_SOCKET = Path("/var/run/docker.sock")
FORMS = "expected unix:///PATH, tcp://HOST:PORT, ssh://USER@HOST or http+unix://PATH"
TCP_PORT = 2375
WAY_OUT = "Start the engine (or set DOCKER_HOST), or use `--backend process`."


@dataclass(frozen=True, slots=True)
class Engine:
    """Where an engine is. `source` says who named it; `certificates` is the folder of its TLS files, if it has some."""

    url: str
    source: str
    certificates: Path | None = None
    verified: bool = True

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which any client of Docker finds this engine, and no other."""
        variables = {"DOCKER_HOST": self.url}
        if self.certificates is not None:
            variables |= {"DOCKER_CERT_PATH": str(self.certificates)}
            variables |= {"DOCKER_TLS_VERIFY": "1"} if self.verified else {}
        return variables

    def __str__(self) -> str:
        return f"{self.url} ({self.source})"

    def client(self, timeout_s: int, *, credentials: bool = False) -> docker.DockerClient:
        """A client, to be closed by the caller. Only with `credentials` it may ask credential helpers."""
        give_home()
        import docker
        import docker.auth
        from docker.constants import DEFAULT_DOCKER_API_VERSION

        with given_to_the_sdk():
            client = docker.from_env(
                version=DEFAULT_DOCKER_API_VERSION,
                environment=self.environment,
                timeout=timeout_s,
                use_ssh_client=True,
            )
            bound(client)
        if not credentials:
            client.api._auth_configs = docker.auth.AuthConfig({})  # type: ignore[attr-defined]  # no public way
        return client


def find_engine() -> Engine:
    """Where the engine is; it has not been asked yet. Raises EnvironmentFailure where none can be."""
    if named := os.environ.get("DOCKER_HOST", "").strip():
        folder = os.environ.get("DOCKER_CERT_PATH") or None
        verified = bool(os.environ.get("DOCKER_TLS_VERIFY"))
        if folder is None and verified:
            folder = str(config_folder() or Path("/"))
        return Engine(_url(named, "DOCKER_HOST"), "DOCKER_HOST", Path(folder) if folder else None, verified)
    config, trouble = read_config()
    if (context := _context(config)) is not None:
        return context
    try:
        return _first_socket()
    except EnvironmentFailure as failure:
        raise EnvironmentFailure(f"{failure} ({trouble})" if trouble else str(failure)) from None


def _context(config: dict[str, Any]) -> Engine | None:
    """The engine of the docker context that is in use; None for the default one."""
    variable = os.environ.get("DOCKER_CONTEXT")
    name, folder = variable or config.get("currentContext", ""), config_folder()
    if name in ("", "default") or folder is None:
        return None
    source = f"docker context {name}"
    try:
        host, certificates, verified = read_context(name, folder)
    except (OSError, ValueError) as error:
        named = "DOCKER_CONTEXT" if variable else f"currentContext in {config_file()}"
        place = error.filename if isinstance(error, OSError) else folder
        raise EnvironmentFailure(
            f"no Docker engine: there is no usable {source}, which {named} names ({place}: {system_words(error)}). "
            f"`docker context ls` lists those that are there. {WAY_OUT}"
        ) from error
    return Engine(_url(host or f"unix://{DEFAULT_SOCKET}", source), source, certificates, verified)


def _url(named: str, source: str) -> str:
    """An address in the form that the SDK takes; a bare path is a socket, a bare name a TCP host."""
    scheme, separator, rest = named.partition("://")
    if not separator:
        return f"unix://{named}" if named.startswith("/") else _tcp(f"tcp://{named}", named, source)
    if scheme in ("http+unix", "unix"):
        return f"unix://{(unquote(rest) if scheme == 'http+unix' else rest) or DEFAULT_SOCKET}"
    if scheme == "ssh" and rest.strip("/"):
        # The SDK takes no path; a slash at the end is none.
        return f"ssh://{rest.partition('/')[0]}"
    if scheme in ("tcp", "http", "https"):
        return _tcp(named, named, source)
    if scheme == "npipe" and os.name == "nt":
        return named
    why = "named pipes are of Windows" if scheme == "npipe" else FORMS
    raise EnvironmentFailure(f"no Docker engine: {source} is {named}: {why}. {WAY_OUT}")


def _tcp(url: str, named: str, source: str) -> str:
    """An address over TCP; as for the docker command, one of `tcp` without a port has 2375."""
    try:
        parts = urlsplit(url.rstrip("/"))
        host, port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.netloc.endswith(":") or any(letter.isspace() for letter in host):
        raise EnvironmentFailure(f"no Docker engine: {source} is {named}: {FORMS}. {WAY_OUT}")
    if port is None and parts.scheme == "tcp":
        parts = parts._replace(netloc=f"{parts.netloc}:{TCP_PORT}")
    return parts.geturl()


def _sockets() -> list[tuple[str, Path]]:
    """Where engines put their sockets when nobody says otherwise, with what each of them is."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{user_id()}")
    sockets = [
        ("default socket", DEFAULT_SOCKET),
        ("rootless Docker", runtime / "docker.sock"),
        ("Podman of this user", runtime / "podman" / "podman.sock"),
        ("Podman of the system", Path("/run/podman/podman.sock")),
    ]
    if (folder := home()) is not None:
        sockets[1:1] = [
            ("Docker Desktop", folder / ".docker/run/docker.sock"),
            ("Docker Desktop", folder / ".docker/desktop/docker.sock"),
            ("OrbStack", folder / ".orbstack/run/docker.sock"),
            ("Colima", folder / ".colima/default/docker.sock"),
            ("Colima", folder / ".config/colima/default/docker.sock"),
            ("Rancher Desktop", folder / ".rd/docker.sock"),
        ]
        sockets.append(("podman machine", folder / ".local/share/containers/podman/machine/podman.sock"))
    return sockets


def _first_socket() -> Engine:
    """The first socket that takes a connection; else the failure of the first that is there."""
    troubles: list[str] = []
    for source, path in _sockets():
        engine = Engine(f"unix://{path}", source)
        if (error := refusal(path)) is None:
            return engine
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            troubles.append(silence(engine, error))
    if troubles:
        raise EnvironmentFailure(troubles[0])
    raise EnvironmentFailure(
        f"no Docker engine: DOCKER_HOST is not set, no docker context is in use, and neither {DEFAULT_SOCKET} nor the "
        f"socket of a rootless engine, a desktop product or Podman exists. {WAY_OUT}"
    )


def refusal(path: Path) -> OSError | None:
    """Why nobody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(PROBE_S)
        try:
            probe.connect(str(path))
        except OSError as error:
            return error
    return None


def silence(engine: Engine, error: BaseException) -> str:
    """Why no engine answers, in one line."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, PermissionError):
        below = below.__cause__ or below.__context__
    if below is not None and engine.url.startswith("unix://"):
        return (
            f"no permission on {engine.url.removeprefix('unix://')}, the Docker engine's socket ({engine.source}): "
            f"add yourself to the group docker (`sudo usermod -aG docker {user_name()}`, then log in again), or use "
            "`--backend process`."
        )
    words = system_words(error).rstrip(".")
    _, trouble = read_config()
    return f"no Docker engine answers at {engine}: {words}{f' ({trouble})' if trouble else ''}. {WAY_OUT}"
