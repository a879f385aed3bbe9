"""An Anvil with nothing of the lab between it and a test, which does not outlive the test's process."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.chains.nodes.provision import locate_anvil
from lab.chains.processes.child import tied_to_parent

DEADLINE_S = 600
_SAYS = "Listening on 127.0.0.1:"


@contextmanager
def bare_node(arguments: Sequence[str], log: Path) -> Iterator[int]:
    """Start Anvil on a port of its own choice, and give that; fails with the node's own last words."""
    command = [str(locate_anvil().path), *arguments, "--host", "127.0.0.1", "--port", "0"]
    # Into a file, not a pipe: a full pipe would stop the node.
    with log.open("wb") as output:
        process = subprocess.Popen([*tied_to_parent(), *command], stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + DEADLINE_S
        while _SAYS not in (said := log.read_text(encoding="utf-8", errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"anvil did not start with {' '.join(command)}: {said[-2000:]}")
            time.sleep(0.02)
        yield int(said.split(_SAYS)[1].split()[0])
    finally:
        process.kill()
        process.wait()
