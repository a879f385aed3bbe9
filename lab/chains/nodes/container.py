"""A node in a container, started through Testcontainers and published on 127.0.0.1 only.

The Docker SDK and Testcontainers are loaded only when used: together they cost a third of a second.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from lab.bounded_files import write_atomically
from lab.chains.engine.address import WAY_OUT, Engine
from lab.chains.engine.testcontainer import container_on
from lab.chains.nodes.backend import HOST, START_DEADLINE_S, NodeSpec, ask, with_defaults
from lab.chains.nodes.kept import KeptNodes
from lab.chains.nodes.usage import engine_cpu_seconds, engine_memory_bytes, pid_here, processor_seconds, resident_bytes
from lab.chains.processes.log_tail import LINES, quoted
from lab.errors import EnvironmentFailure, NodeFailure
from lab.owner import this_process

if TYPE_CHECKING:
    from docker.models.containers import Container
    from testcontainers.core.container import DockerContainer

NODE_LABEL = "dev.tesseract-lab.node"
PORT = 8545
POLL_S = 0.02


class DockerNode:
    """One container. `launch` starts it and waits until it answers; the rest is the Node protocol."""

    # The engine's proxy stands between.
    direct = False

    def __init__(self, image: str, spec: NodeSpec, engine: Engine, kept: KeptNodes[DockerNode]) -> None:
        # Another one for each run that it is kept for, with the same flags.
        self.spec = spec
        self._image, self._engine_used, self._kept, self._left = image, engine, kept, False
        self._testcontainer: DockerContainer | None = None
        self._port: int | None = None
        self._logged = 0

    @property
    def name(self) -> str:
        return self.spec.name

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
        labels = {**this_process().labels(self.spec.run_id), NODE_LABEL: self.name}
        # The entry point differs between foundry's image (a shell) and the lab's. The network is named because
        # Testcontainers would otherwise look for the one of a container it believes to run in.
        with self._engine("start"):
            container = container_on(self._image, self._engine_used).with_kwargs(
                labels=labels, entrypoint=["anvil"], network="bridge"
            )
            container.ports = {f"{PORT}/tcp": (HOST, None)}  # type: ignore[dict-item]  # the SDK takes it
            where = ["--host", "0.0.0.0", "--port", str(PORT), "--cache-path", "/tmp/anvil-cache"]
            container._command = [*where, *with_defaults(self.spec.args)]
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

    def ready(self) -> bool:
        """Whether it answers eth_chainId."""
        return self._port is not None and ask(self._port, "eth_chainId") is not None

    def leave(self) -> None:
        self._left = self.spec.lasting and self.alive()

    def stop(self) -> None:
        import docker.errors

        left, self._left = self._left, False
        if self._testcontainer is None:
            return
        kept = False
        try:
            self._hand_over_log()
            kept = left and self._kept.keep(self, self.spec)
        finally:
            if not kept:
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
            return bytes(self._container.logs(tail=tail)).decode(errors="replace")
        except Exception:
            # A log is asked for to explain another failure; it must not hide that one.
            return ""

    def _hand_over_log(self) -> None:
        """Put what it logged in this run where the run wants it, as far as the engine has it by now.

        The engine drops a container's log with the container.
        """
        log = self.spec.log_path
        if log is None or self._status() == "absent":
            return
        logged = self._logs(tail="all")
        try:
            write_atomically(log, logged[self._logged :])
        except OSError as error:
            raise EnvironmentFailure(f"cannot keep the log of node {self.name}: {error}") from error
        self._logged = len(logged)
        # Nothing that comes later is of this run.
        self.spec = replace(self.spec, log_path=None)

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
            f"exit code {state.get('ExitCode')}. Its flags: {' '.join(self.spec.args)}\n"
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
