"""A relayer's clock shows the chains' time: every wait of Python's ends in it; what cannot be dilated is refused."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.coordinator import ROLES
from lab.errors import EnvironmentFailure, UsageError
from lab.model.session import Session
from lab.relayer.clock import WallClock
from lab.session.relayer import dilation as module
from lab.session.relayer.dilation import GO_MARK, dilation

SPEED = 40.0
# Longer on the wall than any machine takes for the work.
WAIT_S = 200
TICK_S = 0.01
PYTHON_WAITS = {
    "sleep": "time.sleep(N)",
    "event": "threading.Event().wait(N)",
    "queue": "take(queue.Queue())",
    "lock": "held.acquire(timeout=N)",
    "select": "select.select([], [], [], N)",
    "asyncio": "asyncio.run(asyncio.sleep(N))",
    "child": "subprocess.run(['sleep', str(N)])",
}
PROGRAM = """
import asyncio, json, os, queue, select, subprocess, tempfile, threading, time
N = {wait}
held = threading.Lock()
held.acquire()

def take(empty):
    try:
        empty.get(timeout=N)
    except queue.Empty:
        pass

def machine():
    # The kernel writes it, and nobody scales it.
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime

begun = time.monotonic()
{what}
waited = time.monotonic() - begun
print(json.dumps([machine(), time.time(), machine(), waited]))
"""

# A library that the linker initialises between the lab's and libfaketime.
SLOW = """
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
__attribute__((constructor)) static void slow(void)
{
    struct timespec half = {0, 500000000};
    syscall(SYS_nanosleep, &half, 0);
}
"""


def session(speed: float = SPEED, genesis_time: int | None = None) -> Session:
    """One without chains."""
    return Session(
        run_id="test",
        backend="process",
        clock="real",
        speed=speed,
        genesis_time=int(time.time()) - 100 if genesis_time is None else genesis_time,
        chains={},
        accounts=dict.fromkeys(ROLES, "0x" + "00" * 20),
        key_file="keys.json",
        store_path="store",
        state_numbering={},
        abi=[],
    )


def program(path: Path, kinds: tuple[int, ...], rest: bytes = b"") -> Path:
    """An executable of 64 bits with program headers of these kinds."""
    header = (
        b"\x7fELF\x02\x01\x01"
        + bytes(9)
        + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, len(kinds), 0, 0, 0)
    )
    path.write_bytes(header + b"".join(struct.pack("<I", kind) + bytes(52) for kind in kinds) + rest)
    path.chmod(0o755)
    return path


@pytest.mark.real_clock
@pytest.mark.faketime
@pytest.mark.parametrize("wait", PYTHON_WAITS)
def test_every_wait_of_pythons(wait: str, tmp_path: Path) -> None:
    """The clock shows the chains' time in each process, children included, and waits last as long in it as they say."""
    given = session()
    what = PYTHON_WAITS[wait]
    words = [sys.executable, "-c", PROGRAM.format(wait=WAIT_S, what=what)]
    variables = dilation(words, tmp_path, given, os.environ)
    done = subprocess.run(
        words, env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True, timeout=WAIT_S, check=True
    )
    before, shown, after, waited = json.loads(done.stdout)
    # Files are dated by the kernel's ticks.
    assert given.chain_time(before - TICK_S) <= shown <= given.chain_time(after + TICK_S)
    assert waited >= WAIT_S


@pytest.mark.faketime
def test_folders_may_have_a_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache and libfaketime, which LD_PRELOAD cannot name then: all clocks are the chains' in children, too."""
    beside = tmp_path / "of the machine" / module.LIBRARY
    beside.parent.mkdir()
    shutil.copy(module._library(os.environ), beside)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "a home"))
    monkeypatch.setenv(module.LIBRARY_VARIABLE, str(beside))
    given = session()
    words = [sys.executable, "-c", PROGRAM.format(wait=WAIT_S, what=PYTHON_WAITS["child"])]
    variables = dilation(words, tmp_path, given, os.environ)
    done = subprocess.run(
        words, env={**os.environ, **variables}, capture_output=True, text=True, timeout=WAIT_S, check=True
    )
    before, shown, after, waited = json.loads(done.stdout)
    assert given.chain_time(before - TICK_S) <= shown <= given.chain_time(after + TICK_S)
    assert waited >= WAIT_S
    assert done.stderr == ""


@pytest.mark.faketime
def test_a_machine_that_is_slow_to_load_a_program(tmp_path: Path) -> None:
    """However long the libraries take: the clock is the chains' all the same."""
    given = session()
    variables = dilation([sys.executable], tmp_path, given, os.environ)
    slow = tmp_path / "slow.so"
    compiler = next(filter(None, map(shutil.which, module.COMPILERS)))
    subprocess.run([compiler, "-shared", "-x", "c", "-", "-o", slow], input=SLOW, text=True, check=True)
    waits, library, anchor = variables["LD_PRELOAD"].split(":")[-3:]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(wait=0, what="")],
        env={**os.environ, **variables, "LD_PRELOAD": f"{waits}:{library}:{slow}:{anchor}"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    before, shown, after, _ = json.loads(done.stdout)
    assert given.chain_time(before - TICK_S) <= shown <= given.chain_time(after + TICK_S)


@pytest.mark.real_clock
@pytest.mark.faketime
@pytest.mark.skipif(shutil.which("node") is None, reason="no Node.js")
def test_timers_of_node(tmp_path: Path) -> None:
    """As in Python."""
    given = session()
    script = f"const a = Date.now(); setTimeout(() => console.log(a, Date.now()), {WAIT_S * 1000})"
    variables = dilation(["node"], tmp_path, given, os.environ)
    environment = {**os.environ, **variables}
    done = subprocess.run(
        ["node", "-e", script], env=environment, stdout=subprocess.PIPE, text=True, timeout=WAIT_S, check=True
    )
    begun, ended = map(int, done.stdout.split())
    assert ended - begun >= WAIT_S * 1000 - 1
    assert ended / 1000 > given.chain_time(time.time() - WAIT_S)


@pytest.mark.faketime
def test_nothing_is_shared_that_a_kill_would_leave(tmp_path: Path) -> None:
    """libfaketime's memory for several processes is not made."""
    variables = dilation(["sleep"], tmp_path, session(), os.environ)
    process = subprocess.Popen(["sleep", "100000"], env={**os.environ, **variables})
    process.kill()
    process.wait()
    assert not list(Path("/dev/shm").glob(f"*faketime*_{process.pid}"))


def test_nothing_at_the_walls_own_speed(tmp_path: Path) -> None:
    """Nothing is asked of the machine."""
    assert dilation(["anything"], tmp_path, session(1), {}) == {}


def test_what_cannot_be_dilated(tmp_path: Path) -> None:
    """A static program, one of Go, and a script for such an interpreter, before anything is started."""
    static, go = program(tmp_path / "static", (1, 2)), program(tmp_path / "go", (3, 1), b".." + GO_MARK)
    script = tmp_path / "script"
    script.write_text(f"#!{static} -x\nrun\n")
    for name, words in (
        ("./static", "statically linked"),
        (str(go), "a Go program"),
        ("./script", "statically linked"),
    ):
        with pytest.raises(UsageError, match=f"cannot run at --speed 40: .* is {words} and reads the machine's clock"):
            dilation([name, "--key=1"], tmp_path, session(), {})


def test_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, with the command that installs it."""
    monkeypatch.setattr(module, "FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(module, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    with pytest.raises(EnvironmentFailure, match=r"a C compiler, .*: `apt-get install gcc libc6-dev`"):
        dilation(["none"], tmp_path, session(), {})
    monkeypatch.setattr(module, "_compiled", lambda: (tmp_path, tmp_path))
    with pytest.raises(EnvironmentFailure, match=r"libfaketime, .*: `apt-get install faketime`"):
        dilation(["none"], tmp_path, session(), {})
    with pytest.raises(EnvironmentFailure, match=r"LAB_FAKETIME: expected libfaketime.so.1 there, .*: /no/such"):
        dilation(["none"], tmp_path, session(), {"LAB_FAKETIME": "/no/such"})


def test_the_references_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no library; below one it does not count the speed twice. At genesis both times agree."""
    now_s = time.time()
    genesis = int(now_s) - 10
    clock = WallClock.of(session(SPEED, genesis))
    assert (now_s - genesis) * 1000 * SPEED <= clock.now_ms() + SPEED
    assert clock.on_wall(SPEED) == 1
    assert session(SPEED, genesis).chain_time(genesis) == genesis
    monkeypatch.setenv("LAB_CLOCK_SPEED", "40")
    assert WallClock.of(session(SPEED, genesis)).on_wall(SPEED) == SPEED
