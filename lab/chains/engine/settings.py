"""The docker command's own files: its settings, `config.json`, and the contexts beside it.

What is wrong in the settings is named, and left out: the rest counts, as it does for that command. The SDK reads the
same file by itself and falls over what it does not expect there, so it is given what was read here.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from lab.bounded_files import UnfitFile, first_fault, read_model, read_object
from lab.environment import home

_SDK_LOCK = threading.Lock()


def _login(text: str) -> str:
    """Raises ValueError, of which the decoding's own errors are some."""
    _, colon, _ = base64.b64decode(text).decode().partition(":")
    if not colon:
        raise ValueError("expected USER:PASSWORD in base64")
    return text


class _Form(BaseModel):
    model_config = ConfigDict(defer_build=True)


class _Login(_Form):
    """What `docker login` keeps of one registry."""

    auth: Annotated[StrictStr, AfterValidator(_login)] = Field(default="")
    identitytoken: StrictStr = ""
    email: StrictStr | None = None


class _Settings(_Form):
    """Those that the lab and the SDK go by."""

    currentContext: StrictStr | None = None
    credsStore: StrictStr | None = None
    credHelpers: dict[str, StrictStr] | None = None
    auths: dict[str, _Login] | None = None
    HttpHeaders: dict[str, StrictStr] | None = None
    proxies: dict[str, dict[str, StrictStr]] | None = None


class _Endpoint(_Form):
    Host: StrictStr = ""
    SkipTLSVerify: StrictBool = False


class _Endpoints(_Form):
    docker: _Endpoint


class DockerContext(_Form):
    """What `docker context create` writes."""

    Endpoints: _Endpoints


def config_folder() -> Path | None:
    """Where the docker command keeps its files."""
    named, folder = os.environ.get("DOCKER_CONFIG"), home()
    if named:
        return Path(named)
    return None if folder is None else folder / ".docker"


def config_file() -> Path | None:
    """Where the docker command keeps its settings, be it there or not."""
    folder = config_folder()
    return None if folder is None else folder / "config.json"


def read_config() -> tuple[dict[str, Any], str | None]:
    """The settings that are as they should be, and one line on the first that is not."""
    path = config_file()
    try:
        read = read_object(path) if path is not None else {}
    except (FileNotFoundError, NotADirectoryError):
        return {}, None
    except UnfitFile as unfit:
        return {}, _trouble(str(unfit))
    except OSError as error:
        return {}, _trouble(f"{path} cannot be read: {error.strerror}")
    known, trouble = {name: read[name] for name in _Settings.model_fields if read.get(name) is not None}, None
    try:
        _Settings.model_validate(known)
    except ValidationError as error:
        trouble = _trouble(f"{path}: {first_fault(error)}")
        known = {name: value for name, value in known.items() if _fits(name, value)}
    return known, trouble


def _fits(name: str, value: object) -> bool:
    try:
        _Settings.model_validate({name: value})
    except ValidationError:
        return False
    return True


def _trouble(what: str) -> str:
    return f"{what}; the lab goes on without it: correct it, or remove the file"


def read_context(name: str, folder: Path) -> tuple[str, Path | None, bool]:
    """A context's address, the folder of its TLS files and whether its certificate counts.

    Raises OSError, or UnfitFile for a description that is none.
    """
    digest = hashlib.sha256(os.fsencode(name)).hexdigest()
    endpoint = read_model(folder / "contexts" / "meta" / digest / "meta.json", DockerContext).Endpoints.docker
    tls = folder / "contexts" / "tls" / digest / "docker"
    return endpoint.Host, tls if tls.is_dir() else None, not endpoint.SkipTLSVerify


@contextmanager
def given_to_the_sdk() -> Iterator[None]:
    """A client that is made meanwhile has the settings that were read here."""
    from docker.utils import config

    with _SDK_LOCK:
        theirs = config.load_general_config
        try:
            # With no settings at all the SDK would read the file again, for credentials.
            config.load_general_config = lambda config_path=None: read_config()[0] or {"auths": {}}
            yield
        finally:
            config.load_general_config = theirs
