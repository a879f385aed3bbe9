"""Testcontainers on the engine and the image that the lab found, whatever Testcontainers' own settings say."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

from lab.chains.engine.address import Engine
from lab.chains.engine.client import ENGINE_TIMEOUT_S
from lab.chains.engine.settings import given_to_the_sdk
from lab.environment import give_home
from lab.errors import EnvironmentFailure

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_ENVIRONMENT_LOCK = threading.Lock()


def configure() -> None:
    """No Ryuk: the lab's reaper does its work, and places that cannot pull an image cannot pull Ryuk either.

    Raises EnvironmentFailure where Testcontainers does not take its own variables or its file in the home folder.
    """
    give_home()
    try:
        from testcontainers.core import container  # noqa: F401  # loaded here, before threads would load it all at once
        from testcontainers.core.config import testcontainers_config
    except (OSError, ValueError, RuntimeError) as error:
        raise EnvironmentFailure(
            f"Testcontainers does not load: {error}. Correct its variables (TC_*, TESTCONTAINERS_*) and "
            "~/.testcontainers.properties, or use `--backend process`."
        ) from error
    testcontainers_config.ryuk_disabled = True


def container_on(image: str, engine: Engine) -> DockerContainer:
    """A container to be started on the engine that the lab found, and of the image that it chose.

    Testcontainers has ideas of its own on both (`tc.host`, TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX), writes DOCKER_HOST
    into the environment, and logs in where DOCKER_AUTH_CONFIG is set.
    """
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    options = {"timeout": ENGINE_TIMEOUT_S, "environment": engine.environment, "use_ssh_client": True}
    with _ENVIRONMENT_LOCK:
        host, credentials = os.environ.get("DOCKER_HOST"), testcontainers_config._docker_auth_config
        try:
            testcontainers_config._docker_auth_config = None
            with given_to_the_sdk():
                container = DockerContainer(image, docker_client_kw=options)
        finally:
            testcontainers_config._docker_auth_config = credentials
            if host is None:
                os.environ.pop("DOCKER_HOST", None)
            else:
                os.environ["DOCKER_HOST"] = host
    container.image = image
    return container
