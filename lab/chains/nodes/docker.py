"""The Docker backend: each node is a container of one image."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from lab.chains.engine.address import find_engine
from lab.chains.engine.client import connect, engine_errors
from lab.chains.engine.testcontainer import configure
from lab.chains.nodes.backend import NodeSpec, ask
from lab.chains.nodes.container import DockerNode
from lab.chains.nodes.kept import KeptNodes
from lab.chains.processes.reaper import Reaper
from lab.environment import with_advice
from lab.errors import EnvironmentFailure

VERSION_LABEL = "dev.tesseract-lab.anvil-version"


class DockerBackend:
    """Starts containers of one image. With no `reaper` of the caller's it has its own."""

    name: Literal["docker"] = "docker"

    def __init__(self, image: str, reaper: Reaper | None = None) -> None:
        self.image = image
        self._engine = find_engine()
        configure()
        self._client = connect()
        self._own_reaper = reaper is None
        self.reaper = reaper or Reaper.start()
        self._nodes: list[DockerNode] = []
        self._kept = KeptNodes[DockerNode]()
        self._client_version: str | None = None

    def start_all(self, specs: Sequence[NodeSpec]) -> list[DockerNode]:
        try:
            self.reaper.watch_containers()
        except OSError as error:
            raise EnvironmentFailure(f"no temporary directory: {with_advice(error)}; see TMPDIR") from error
        nodes, fresh = list[DockerNode](), list[DockerNode]()
        for spec in specs:
            if (kept := self._kept.take(spec)) is None:
                fresh.append(DockerNode(self.image, spec, self._engine, self._kept))
            nodes.append(kept or fresh[-1])
        try:
            _for_all(fresh, DockerNode.launch)
        except BaseException:
            _for_all(nodes, DockerNode.stop)
            raise
        self._nodes += fresh
        for node in fresh:
            self._kept.started(node, node.spec)
        if nodes and self._client_version is None:
            self._client_version = ask(nodes[0].port, "web3_clientVersion")
        return nodes

    def describe(self) -> dict[str, Any]:
        with engine_errors(f"describe image {self.image}"):
            image, version = self._client.images.get(self.image), self._client.version().get("Version")
        said = (self._client_version or "").removeprefix("anvil/v") or None
        return {
            "backend": self.name,
            "anvil_version": image.labels.get(VERSION_LABEL, said),
            "image": self.image,
            "image_id": image.id,
            "image_digests": list(image.attrs.get("RepoDigests") or []),
            "image_labels": dict(image.labels),
            "engine_version": version,
        }

    def close(self) -> None:
        nodes, self._nodes = self._nodes, []
        try:
            _for_all(nodes, DockerNode.stop)
        finally:
            self._client.close()
            if self._own_reaper:
                self.reaper.close()


def _for_all(nodes: Sequence[DockerNode], action: Any) -> None:
    """Do it to all at once, to the last one even if one fails; then raise the first failure."""
    if not nodes:
        return
    with ThreadPoolExecutor(max_workers=len(nodes)) as pool:
        futures = [pool.submit(action, node) for node in nodes]
    for future in futures:
        future.result()
