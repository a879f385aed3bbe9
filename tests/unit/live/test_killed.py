"""The deploying process is really killed, at any line of its journal; endpoints fail meanwhile; nothing is doubled."""

from __future__ import annotations

import os
import random
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from lab.live.execution.deploy import deploy_all
from lab.live.journaling.journal import Entry, Journal
from lab.live.rehearsal.endpoint import faulty_endpoint
from tests.reliability.mutants import FACTOR

from .conftest import Open, World
from .test_deploy import assert_stands

pytestmark = pytest.mark.reliability

# All ten networks in the long form.
NETWORKS = ("sepolia", "amoy", "base-sepolia", "ethereum", "polygon", "arbitrum", "optimism", "base",
            "arbitrum-sepolia", "optimism-sepolia")  # fmt: skip
COUNT = 3 if FACTOR <= 1 else len(NETWORKS)
# A life ends after so many lines at most; in the long form it ends at every single one.
LINES_MAX = 8 if FACTOR <= 1 else 1
LIVES_MAX = 400
FAULT_SHARE = 0.05
ENDED, FAILED = 0, 3


@contextmanager
def endpoints(lab: World) -> Iterator[None]:
    """Two or three faulty endpoints before each node, in a process of their own: what is forked has no threads."""
    ours, theirs = os.pipe(), os.pipe()
    server = os.fork()
    if server == 0:
        with ExitStack() as stack:
            urls = {
                variable: stack.enter_context(faulty_endpoint(url, share=FAULT_SHARE, seed=seed)).url
                for seed, (variable, url) in enumerate(lab.variables.items())
            }
            os.write(ours[1], "\n".join(f"{name}={url}" for name, url in urls.items()).encode() + b"\0")
            os.close(theirs[1])
            os.read(theirs[0], 1)
        os._exit(0)
    said = b""
    while not said.endswith(b"\0"):
        said += os.read(ours[0], 65536)
    lab.variables = dict(line.split("=", 1) for line in said[:-1].decode().splitlines())
    try:
        yield
    finally:
        for end in (*ours, *theirs):
            os.close(end)
        os.waitpid(server, 0)


def a_third_endpoint(lab: World, names: tuple[str, ...]) -> None:
    """For each of these networks, beside the two that all have."""
    file = lab.folder / "deployment.yaml"
    for name in names:
        last = f"{name.upper().replace('-', '_')}_"
        lab.variables[f"{last}C"] = lab.nodes[name].url
        file.write_text(file.read_text().replace(f"env:{last}B]", f"env:{last}B, env:{last}C]"))


def life(lab: World, line: int, *, before: bool) -> int:
    """One command in a process of its own, which is killed before or after a line is on the disk; how it ended."""
    child = os.fork()
    if child == 0:
        code = FAILED
        try:
            kill_at(line, before=before)
            outcomes = deploy_all(lab.work(), lab.deployment.targets, lab.signer, lab.waiting(stuck_s=60))
            code = ENDED if all(outcome.problem is None for outcome in outcomes) else FAILED
            print(*(outcome.problem for outcome in outcomes if outcome.problem is not None), sep="\n", flush=True)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    return os.waitpid(child, 0)[1]


def kill_at(line: int, *, before: bool) -> None:
    """From now on, in this process."""
    add, lock, left = Journal.add, threading.Lock(), [line]

    def fatal(self: Journal, entry: Entry) -> None:
        with lock:
            left[0] -= 1
            if left[0] == 0 and before:
                os.kill(os.getpid(), signal.SIGKILL)
            add(self, entry)
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    Journal.add = fatal  # type: ignore[method-assign]


def test_killed_at_any_line(world: Open) -> None:
    """The next command sends the same bytes: one transaction a nonce, one address everywhere, as declared."""
    lab = world(*NETWORKS[:COUNT])
    a_third_endpoint(lab, NETWORKS[1:COUNT:2])
    rng, kept, kills, lines = random.Random(7), dict[tuple[str, str, int], str](), 0, 0
    with endpoints(lab):
        for _ in range(LIVES_MAX):
            last, before = rng.randint(1, LINES_MAX), rng.random() < 0.5
            status = life(lab, last, before=before)
            earlier, lines = lines, sum(len(lab.work().journal.of(name)) for name in NETWORKS[:COUNT])
            for name in NETWORKS[:COUNT]:
                for entry in lab.work().journal.of(name):
                    # What was signed once is never signed anew: without a replacement these are the bytes.
                    assert kept.setdefault((name, entry.step, entry.nonce), entry.tx) == entry.tx
            if os.WIFSIGNALED(status):
                kills += 1
                # It ended at that line and no other: in the long form each line is a life's last, or one's first lost.
                assert lines - earlier == last - before
                continue
            if os.waitstatus_to_exitcode(status) == ENDED:
                break
        else:
            pytest.fail(f"it never got to an end within {LIVES_MAX} lives")
    assert kills >= COUNT
    # One nonce and one transaction for each step, and the same address on every chain.
    assert len({(name, nonce) for name, _, nonce in kept}) == len(kept)
    assert len({assert_stands(lab, name) for name in NETWORKS[:COUNT]}) == 1
