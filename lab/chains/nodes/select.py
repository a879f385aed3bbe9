"""Chooses the backend and the image, and says why. `auto` takes Docker when an engine and an image answer."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.chains.engine.client import connect, engine_errors
from lab.chains.engine.settings import read_config
from lab.chains.nodes.backend import Backend, NodeSpec
from lab.chains.nodes.docker import DockerBackend
from lab.chains.nodes.image import LOCAL_IMAGE
from lab.chains.nodes.pinned import PINNED_VERSION
from lab.chains.nodes.process import ProcessBackend
from lab.chains.nodes.provision import Notify, locate_anvil
from lab.chains.processes.reaper import Reaper
from lab.errors import EnvironmentFailure, UsageError

if TYPE_CHECKING:
    import docker

RequestedBackend = Literal["auto", "process", "docker"]

DEFAULT_IMAGE = f"ghcr.io/foundry-rs/foundry:v{PINNED_VERSION}"
ENGINE_ANSWER_S = 5
REGISTRY_ANSWER_S = 5
PULL_S = 300
IN_A_CONTAINER = any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def choose_backend(
    requested: RequestedBackend, image: str | None = None, *, reaper: Reaper | None = None, notify: Notify | None = None
) -> tuple[Backend, str]:
    """The backend and one sentence on why it is this one. `image` wins over LAB_IMAGE, which wins over the default.

    Raises EnvironmentFailure where `docker` was asked for and cannot be had, or where there is no anvil.
    """
    if requested == "process":
        return _process(reaper, notify), "process: asked for"
    if requested not in ("auto", "docker"):
        raise UsageError(f"--backend: expected auto, process or docker, got {requested!r}")
    try:
        name, why = find_image(image, notify)
        backend = DockerBackend(name, reaper)
        if requested == "auto" and IN_A_CONTAINER:
            _try_out(backend)
    except EnvironmentFailure as failure:
        if requested == "docker":
            raise
        first_line = str(failure).splitlines()[0]
        return _process(reaper, notify), f"process: {first_line}"
    reason = "asked for" if requested == "docker" else "an engine answers"
    trouble = read_config()[1]
    return backend, f"docker: {reason}, image {name} ({why}){f'; {trouble}' if trouble else ''}"


def find_image(image: str | None = None, notify: Notify | None = None, *, pull: bool = True) -> tuple[str, str]:
    """An image the engine has, or can pull, and where it is from. Raises EnvironmentFailure."""
    named = image or os.environ.get("LAB_IMAGE")
    client = connect(ENGINE_ANSWER_S)
    try:
        if _present(client, named or DEFAULT_IMAGE):
            return named or DEFAULT_IMAGE, "present"
        # The local image holds the same anvil as the default: no reason to wait for a registry first.
        if named is None and _present(client, LOCAL_IMAGE):
            return LOCAL_IMAGE, f"built here; {DEFAULT_IMAGE} is not present"
        refusal = _pull(named or DEFAULT_IMAGE, notify) if pull else "it was not pulled"
    finally:
        client.close()
    if refusal is None:
        return named or DEFAULT_IMAGE, "pulled now"
    raise EnvironmentFailure(
        f"the Docker engine answers but has no image {named or DEFAULT_IMAGE}, and {refusal}\n"
        f"Build one with `lab image build` ({LOCAL_IMAGE} is found by itself), name another one with LAB_IMAGE, "
        "or use `--backend process`."
    )


def _process(reaper: Reaper | None, notify: Notify | None) -> ProcessBackend:
    return ProcessBackend(locate_anvil(notify), reaper)


def _try_out(backend: DockerBackend) -> None:
    """One node: inside of a container the engine's ports are often those of the machine around it."""
    try:
        for node in backend.start_all([NodeSpec("trial", new_trial_id())]):
            node.stop()
    except BaseException:
        backend.close()
        raise


def new_trial_id() -> str:
    """A run of its own, so that its container is told from those of other runs."""
    return f"trial-{secrets.token_hex(4)}"


def _present(client: docker.DockerClient, image: str) -> bool:
    import docker.errors

    with engine_errors(f"look up image {image}"):
        try:
            client.images.get(image)
        except docker.errors.ImageNotFound:
            return False
    return True


def _pull(image: str, notify: Notify | None) -> str | None:
    """Pull it; None when it is there now, else why not. The registry is asked first, as a pull may hang for long."""
    try:
        for timeout_s in (REGISTRY_ANSWER_S, PULL_S):
            if timeout_s == PULL_S and notify:
                notify(f"pulling {image}")
            client = connect(timeout_s, credentials=True)
            try:
                with engine_errors(f"pull {image}"):
                    if timeout_s == PULL_S:
                        client.images.pull(image)
                    else:
                        client.images.get_registry_data(image)
            finally:
                client.close()
    except EnvironmentFailure as failure:
        return f"it cannot be pulled: {str(failure).removeprefix(f'cannot pull {image}: ')}"
    return None
