"""The Docker backend: each node is a container, started through Testcontainers and published on 127.0.0.1 only.

The Docker SDK and Testcontainers are loaded only when used: together they cost a third of a second.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from lab.bounded_files import write_atomically
from lab.chains.engine.address import WAY_OUT, Engine, find_engine
from lab.chains.engine.client import connect, engine_errors
from lab.chains.engine.testcontainer import configure, container_on
from lab.chains.nodes.backend import HOST, START_DEADLINE_S, NodeSpec, ask, with_defaults
from lab.chains.nodes.usage import engine_cpu_seconds, engine_memory_bytes, pid_here, processor_seconds, resident_bytes
from lab.chains.processes.log_tail import LINES, quoted
from lab.chains.processes.reaper import Reaper
from lab.environment import with_advice
from lab.errors import EnvironmentFailure, NodeFailure
from lab.owner import this_process

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.container import DockerContainer

NODE_LABEL = "dev.tesseract-lab.node"
VERSION_LABEL = "dev.tesseract-lab.anvil-version"
PORT = 8545
POLL_S = 0.02


class DockerNode:
    """One container. `launch` starts it and waits until it answers; the rest is the Node protocol."""

    # The engine's proxy stands between.
    direct = False

    def __init__(self, image: str, spec: NodeSpec, engine: Engine) -> None:
        self.name = spec.name
        self._image, self._spec, self._engine_used = image, spec, engine
        self._testcontainer: DockerContainer | None = None
        self._port: int | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def port(self) -> int:
        if self._port is None:
            raise NodeFailure(f"node {self.name} has no URL: it has not been started, or was stopped")
        return self._port

    def connect(self, timeout_s: float) -> socket.socket:
        """See `Node.connect`."""
        return socket.create_connection((HOST, self.port), timeout_s)

    def new_socket(self) -> socket.socket:
        """See `Node.new_socket`."""
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def launch(self) -> None:
        labels = {**this_process().labels(self._spec.run_id), NODE_LABEL: self.name}
        # The entry point differs between foundry's image (a shell) and the lab's. The network is named because
        # Testcontainers would otherwise look for the one of a container it believes to run in.
        with self._engine("start"):
            container = container_on(self._image, self._engine_used).with_kwargs(
                labels=labels, entrypoint=["anvil"], network="bridge"
            )
            container.ports = {f"{PORT}/tcp": (HOST, None)}  # type: ignore[dict-item]  # the SDK takes it
            where = ["--host", "0.0.0.0", "--port", str(PORT), "--cache-path", "/tmp/anvil-cache"]
            container._command = [*where, *with_defaults(self._spec.args)]
            self._testcontainer = container
            container.start()
        self._await()

    def alive(self) -> bool:
        return self._status() in {"running", "paused", "restarting"}

    def log_tail(self, lines: int = LINES) -> str:
        return quoted(self._logs(tail=lines), lines)

    def pause(self) -> None:
        with self._engine("pause"):
            self._container.pause()

    def resume(self) -> None:
        with self._engine("resume"):
            self._container.unpause()

    def kill(self) -> None:
        with self._engine("kill"):
            if self.alive():
                self._container.kill()
                self._container.wait(timeout=START_DEADLINE_S)

    def restart(self) -> DockerNode:
        self.kill()
        with self._engine("restart"):
            self._container.start()
        self._await()
        return self

    def leave(self) -> None:
        """None is kept."""

    def stop(self) -> None:
        import docker.errors

        if self._testcontainer is None:
            return
        try:
            self._keep_log()
        finally:
            with self._engine("stop"), contextlib.suppress(docker.errors.NotFound):
                self._testcontainer.stop()
            self._testcontainer = self._port = None

    def memory_bytes(self) -> int | None:
        return resident_bytes(pid) if (pid := self._pid) is not None else engine_memory_bytes(self._measured())

    def cpu_seconds(self) -> float | None:
        return processor_seconds(pid) if (pid := self._pid) is not None else engine_cpu_seconds(self._measured())

    @property
    def _pid(self) -> int | None:
        # Asking the engine for figures takes it up to a second a node; the kernel answers at once.
        alive = self.alive()
        return pid_here(self._container.attrs["State"]["Pid"], str(self._container.id)) if alive else None

    def _measured(self) -> dict[str, Any]:
        """The engine's figures of the container; empty when it does not run."""
        if not self.alive():
            return {}
        with self._engine("measure"):
            # One shot: the engine would otherwise wait a second for a second sample of the processor's use.
            measured: Any = self._container.stats(stream=False, one_shot=True)
        return dict(measured)

    @property
    def _container(self) -> Container:
        if self._testcontainer is None or self._testcontainer._container is None:
            raise NodeFailure(f"node {self.name} has no container: it has not been started, or was stopped")
        return self._testcontainer._container

    def _status(self) -> str:
        import docker.errors

        if self._testcontainer is None or self._testcontainer._container is None:
            return "absent"
        with self._engine("inspect"):
            try:
                self._container.reload()
            except docker.errors.NotFound:
                return "absent"
        return str(self._container.status)

    def _logs(self, tail: int | Literal["all"]) -> str:
        try:
            return bytes(self._container.logs(tail=tail)).decode(errors="replace").rstrip("\n")
        except Exception:
            # A log is asked for to explain another failure; it must not hide that one.
            return ""

    def _keep_log(self) -> None:
        """The engine drops a container's log with the container."""
        log = self._spec.log_path
        if log is None or self._status() == "absent":
            return
        try:
            write_atomically(log, self._logs(tail="all"))
        except OSError as error:
            raise EnvironmentFailure(f"cannot keep the log of node {self.name}: {error}") from error

    def _await(self) -> None:
        """Wait until it answers eth_chainId on its published port, which is another one after every start."""
        deadline = time.monotonic() + START_DEADLINE_S
        while (status := self._status()) not in {"exited", "dead", "absent"} and time.monotonic() < deadline:
            bindings = self._container.ports.get(f"{PORT}/tcp") or [{}]
            self._port = int(bindings[0].get("HostPort") or 0) or None
            if self._port is not None and ask(self._port, "eth_chainId") is not None:
                return
            time.sleep(POLL_S)
        state = self._container.attrs.get("State", {}) if status != "absent" else {}
        what = "died at start"
        if status == "running":
            what = (
                f"did not answer within {START_DEADLINE_S:.0f} s at {HOST}:{self._port}, where the engine says that it "
                "is (an engine of another machine, or one outside of this container, publishes ports elsewhere)"
            )
        raise NodeFailure(
            f"node {self.name} {what}: expected an answer to eth_chainId, its container is {status} with "
            f"exit code {state.get('ExitCode')}. Its flags: {' '.join(self._spec.args)}\n"
            f"Its last log lines:\n{self.log_tail()}"
        )

    @contextmanager
    def _engine(self, action: str) -> Iterator[None]:
        """The engine's refusals and its death as errors of the lab."""
        import docker.errors
        import requests

        try:
            yield
        except docker.errors.APIError as error:
            raise NodeFailure(
                f"the Docker engine would not {action} node {self.name}: {error.explanation or error}. "
                f"Image: {self._image}"
            ) from error
        except (docker.errors.DockerException, requests.RequestException) as error:
            raise EnvironmentFailure(
                f"the Docker engine was lost when asked to {action} node {self.name}: {error}. {WAY_OUT}"
            ) from error


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
        self._client_version: str | None = None

    def start_all(self, specs: Sequence[NodeSpec]) -> list[DockerNode]:
        try:
            self.reaper.watch_containers()
        except OSError as error:
            raise EnvironmentFailure(f"no temporary directory: {with_advice(error)}; see TMPDIR") from error
        nodes = [DockerNode(self.image, spec, self._engine) for spec in specs]
        try:
            _for_all(nodes, DockerNode.launch)
        except BaseException:
            _for_all(nodes, DockerNode.stop)
            raise
        self._nodes += nodes
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
