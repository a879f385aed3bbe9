"""Runs that tests start in a process of their own, in order to kill them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

PROCESS_RUN = """
import json, os, sys, time
from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.process import ProcessBackend

backend = ProcessBackend()
nodes = backend.start_all([NodeSpec(f"n{i}", sys.argv[1]) for i in range(2)])
nodes[1].pause()
forked = os.fork() if sys.argv[2:] == ["fork"] else None
if forked == 0:
    time.sleep(600)
    os._exit(0)
print(json.dumps({"pids": [node.pid for node in nodes], "folders": [str(node._folder) for node in nodes],
                  "reaper": backend.reaper.pid, "forked": forked}), flush=True)
time.sleep(600)
"""

DOCKER_RUN = """
import json, sys, time
from lab.chains.nodes.backend import NodeSpec
from lab.chains.nodes.docker import DockerBackend

backend = DockerBackend(sys.argv[2])
backend.start_all([NodeSpec(f"n{i}", sys.argv[1]) for i in range(2)])
print(json.dumps({"reaper": backend.reaper.pid}), flush=True)
time.sleep(600)
"""


def start_run(
    script: str, *arguments: str, temporary: Path | None = None
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """Start it and wait until it has told what it started. What it leaves in `temporary` is not seen by other runs."""
    command = [sys.executable, "-c", script, *arguments]
    environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary is not None else {})}
    run = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    assert run.stdout is not None
    line = run.stdout.readline()
    run.stdout.close()
    assert line, f"the run ended with {run.wait()} before it had started its nodes"
    return run, json.loads(line)


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
