"""What a backend is: it starts nodes and removes them. The two implementations are `process` and `docker`."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from lab.bounded_files import TEXT_BYTES_MAX, parse_json
from lab.chains.processes.log_tail import LINES
from lab.chains.processes.reaper import Reaper

HOST = "127.0.0.1"
START_DEADLINE_S = 20.0
POLL_S = 0.004

BackendName = Literal["process", "docker"]


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """One node to start. `args` are anvil's flags without host, port and cache path, which belong to the backend.

    A `private` one answers the lab's own connections only, where the machine allows that: its URL is nobody else's.
    `lasting`: all that decides what it does is in `args` and in what it is asked, so that one of an earlier run, made
    fresh, does as well.
    """

    name: str
    run_id: str
    args: tuple[str, ...] = ()
    log_path: Path | None = None
    private: bool = False
    lasting: bool = False


Connect = Callable[[float], socket.socket]


class Node(Protocol):
    """A running node. Its URL changes with `restart`; its state is the caller's business."""

    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def direct(self) -> bool:
        """Whether a connection leads to the node itself, with no program between."""

    def connect(self, timeout_s: float) -> socket.socket:
        """A connection of the lab's own to it. Raises OSError."""

    def new_socket(self) -> socket.socket:
        """One that can be connected to the URL's address. Raises OSError."""

    def alive(self) -> bool:
        """Whether the node's process exists; a paused one does."""

    def log_tail(self, lines: int = LINES) -> str:
        """The node's last log lines, indented, as an error quotes them."""

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers."""

    def resume(self) -> None: ...

    def kill(self) -> None:
        """End it ungracefully. The log and the temporary directory stay, for `restart`."""

    def restart(self) -> Node:
        """End it if it still runs, start a fresh one of the same spec; returns this node, ready, with its new URL."""

    def leave(self) -> None:
        """Say that nobody asks it anything any more, and every answer is there: `stop` may keep it for a later run."""

    def stop(self) -> None:
        """End it and remove everything it had, its log excepted. May be called twice."""

    def memory_bytes(self) -> int | None:
        """Resident memory now; None when it is not known."""

    def cpu_seconds(self) -> float | None:
        """Processor time used so far; None when it is not known."""


class Backend(Protocol):
    """Starts nodes and knows what they are."""

    @property
    def name(self) -> BackendName: ...

    @property
    def reaper(self) -> Reaper:
        """Takes care of what a killed run leaves behind: other processes of the run are announced to it as well."""

    def start_all(self, specs: Sequence[NodeSpec]) -> Sequence[Node]:
        """Start all at once and return when each one answers. On a NodeFailure none of them is left."""

    def describe(self) -> dict[str, Any]:
        """What the manifest records: version, path or image, digest."""

    def close(self) -> None:
        """Stop every node that is left. May be called twice."""


def ask(port: int, method: str, timeout_s: float = 1.0, connect: Connect | None = None) -> str | None:
    """The answer of a node on this machine to a parameterless call; None when it does not answer (yet).

    Not the lab's RPC client: this runs every few milliseconds while nodes start, and any failure means "not yet".
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []})
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_s)
    try:
        if connect is not None:
            connection.sock = connect(timeout_s)
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        return str(parse_json(connection.getresponse().read(TEXT_BYTES_MAX), "the answer")["result"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def with_defaults(args: tuple[str, ...]) -> tuple[str, ...]:
    """No page in a browser may drive the node, whatever its address."""
    return args if "--no-cors" in args else (*args, "--no-cors")
