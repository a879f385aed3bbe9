"""Speaks to the Docker engine, and turns every way in which it fails into one error.

The SDK is loaded only for an engine that may answer, as it costs a fifth of a second, and no credential helper is asked
unless an image is pulled. Where the engine is, is found by `lab.chains.engine.address`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from lab.chains.engine.address import WAY_OUT, Engine, find_engine, refusal, silence
from lab.chains.engine.settings import config_file, read_config
from lab.chains.loopback import spare_loopback
from lab.environment import spare_from_proxies
from lab.errors import EnvironmentFailure, system_words

if TYPE_CHECKING:
    import docker

ENGINE_TIMEOUT_S = 30
SSH_DEADLINE_S = 15
_CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")


def connect(timeout_s: int = ENGINE_TIMEOUT_S, *, credentials: bool = False) -> docker.DockerClient:
    """A client of an engine that answers and can run nodes for this machine, to be closed by the caller.

    Raises EnvironmentFailure when there is none, with the cause and the way out.
    """
    spare_loopback()
    engine = find_engine()
    _probe(engine)
    try:
        with _without_warnings():
            client = engine.client(timeout_s, credentials=credentials)
        version = client.version()
        system = str(version.get("Os", "linux")).lower()
    except Exception as error:
        # The SDK lets its own, requests' and urllib3's errors through here; all mean the same to the user.
        raise EnvironmentFailure(silence(engine, error)) from error
    if system == "windows":
        client.close()
        raise EnvironmentFailure(
            f"the Docker engine at {engine} runs Windows containers, and nodes need Linux ones: switch it "
            "(Docker Desktop: `Switch to Linux containers`), or use `--backend process`."
        )
    return client


@contextmanager
def engine_errors(purpose: str) -> Iterator[None]:
    """What an engine, its SDK or a credential helper answers in place of what was asked, as an EnvironmentFailure."""
    import docker.errors
    import requests
    from docker.credentials.errors import StoreError

    try:
        with _without_warnings():
            yield
    except docker.errors.APIError as error:
        raise EnvironmentFailure(f"the Docker engine cannot {purpose}: {error.explanation or error}") from error
    except (docker.errors.DockerException, StoreError) as error:
        raise EnvironmentFailure(f"cannot {purpose}: {_helper_trouble() or error}") from error
    except (requests.RequestException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvironmentFailure(f"the Docker engine would not {purpose}: {system_words(error)}") from error


@contextmanager
def _without_warnings() -> Iterator[None]:
    """What the SDK warns of comes back as an error, and settings that make errors of warnings must not hide that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _helper_trouble() -> str | None:
    """The credential helpers that config.json names: one of them failed."""
    config, _ = read_config()
    named = [config.get("credsStore"), *config.get("credHelpers", {}).values()]
    programs = ", ".join(dict.fromkeys(f"docker-credential-{name}" for name in named if name))
    if not programs:
        return None
    return (
        f"the credential helper {programs}, which {config_file()} names, is not installed or fails: install it, or "
        "take `credsStore` and `credHelpers` out of that file"
    )


def _probe(engine: Engine) -> None:
    """What can be told before the SDK is loaded, which would wait for a distant engine, or ask for a password."""
    at = urlsplit(engine.url)
    if at.scheme == "unix":
        if (error := refusal(Path(engine.url.removeprefix("unix://")))) is not None:
            raise EnvironmentFailure(silence(engine, error))
        return
    if engine.certificates is not None and (lacking := _lacking(engine.certificates)):
        raise EnvironmentFailure(
            f"no Docker engine answers at {engine}: its TLS files are expected in {engine.certificates}, and "
            f"{', '.join(lacking)} cannot be read there. {WAY_OUT}"
        )
    if at.scheme != "npipe":
        _here(engine, at)


def _here(engine: Engine, at: SplitResult) -> None:
    """An engine on another machine publishes ports on that machine's 127.0.0.1, where nobody reaches them."""
    host = at.hostname or ""
    try:
        addresses = {info[4][0] for info in socket.getaddrinfo(host or None, None)}
    except OSError as error:
        if at.scheme != "ssh":
            raise EnvironmentFailure(silence(engine, error)) from error
        addresses = set()
    if not any(_is_of_this_machine(str(address)) for address in addresses):
        raise EnvironmentFailure(
            f"the Docker engine at {engine} is on another machine, {host or engine.url}: nodes listen on 127.0.0.1 "
            "only, so they have to run where the lab runs. Run the lab on that machine, use an engine here "
            "(DOCKER_HOST, `docker context use default`), or use `--backend process`."
        )
    spare_from_proxies(host)
    if at.scheme == "ssh":
        _ask_over_ssh(engine, at)


def _is_of_this_machine(address: str) -> bool:
    """A socket can only be bound to an address that this machine has."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True


def _ask_over_ssh(engine: Engine, at: SplitResult) -> None:
    """Once with a deadline and without a terminal: the SDK would wait for a password, and for ever."""
    words = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={SSH_DEADLINE_S // 2}"]
    words += [*(("-l", at.username) if at.username else ()), *(("-p", str(at.port)) if at.port else ())]
    words += ["--", str(at.hostname), "docker version --format '{{.Server.Version}}'"]
    try:
        answer = subprocess.run(
            words,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=SSH_DEADLINE_S,
        )
    except subprocess.TimeoutExpired:
        said = f"ssh gave no answer within {SSH_DEADLINE_S} s"
    except OSError as error:
        said = f"ssh cannot be run: {error.strerror}"
    else:
        if answer.returncode == 0:
            return
        said = f"ssh says: {(answer.stderr.strip() or f'exit code {answer.returncode}').splitlines()[-1]}"
    raise EnvironmentFailure(f"no Docker engine answers at {engine}: {said}. {WAY_OUT}")


def _lacking(folder: Path) -> list[str]:
    return [name for name in _CERTIFICATES if not os.access(folder / name, os.R_OK)]
