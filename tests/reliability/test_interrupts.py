"""Signals at awkward moments: a second Ctrl-C, a terminal that is closed, a log on a full disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.session.up.files import UpOptions

pytestmark = pytest.mark.reliability

PATIENCE_S = 600.0
LINE = "interrupted: ended at once; what the run had started is ended with it\n"
INTERRUPTED = """
import os, signal, sys, time
from lab.environment import end_at_second_interrupt

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

with end_at_second_interrupt():
    try:
        if sys.argv[1] == "during":
            interrupt()
    except KeyboardInterrupt:
        print("cleaning up", flush=True)
        interrupt()
interrupt()
"""
CONFTEST = """
import os, signal, time

def interrupt():
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)

def MOMENT(*_):
    interrupt()

def AFTERWARDS(*_):
    interrupt()
"""
HUNG_UP = """
import os, sys, time
from pathlib import Path
from lab.load.drive.interrupts import Interrupts

os.open(os.ttyname(0), os.O_RDWR)
with Interrupts() as interrupts:
    interrupts.graceful = True
    print("ready", flush=True)
    while not interrupts.count:
        time.sleep(0.01)
    print("ending early", flush=True)
    print("as well", file=sys.stderr, flush=True)
    Path(sys.argv[1]).write_text("report")
"""


@pytest.mark.parametrize(("moment", "said"), [("during", "cleaning up\n"), ("afterwards", "")])
def test_a_second_interrupt_is_one_line(moment: str, said: str) -> None:
    """While the first one's cleaning up takes long, and while the interpreter ends."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, moment], capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, said, LINE)


@pytest.mark.parametrize(
    ("moment", "afterwards"),
    [
        ("pytest_collection", "pytest_keyboard_interrupt"),
        ("pytest_collect_file", "pytest_sessionfinish"),
        ("pytest_itemcollected", "pytest_unconfigure"),
        ("pytest_runtestloop", "pytest_sessionfinish"),
    ],
)
def test_a_second_interrupt_of_pytest_is_one_line(moment: str, afterwards: str, tmp_path: Path) -> None:
    """Of a session with scenarios, from its collection on; pytest would show a stack of its own."""
    (tmp_path / "conftest.py").write_text(CONFTEST.replace("MOMENT", moment).replace("AFTERWARDS", afterwards))
    (tmp_path / "s.yaml").write_text("name: s\nnetworks: {base: {}}\nflows: {}\ntimeline: []\n")
    (tmp_path / "test_other.py").write_text("def test(): pass\n")
    command = [sys.executable, "-m", "pytest", ".", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 130, done.stdout
    assert done.stderr == LINE
    assert "Traceback" not in done.stdout


def test_a_closed_terminal_leaves_a_load_its_report(tmp_path: Path) -> None:
    """What is written to it from then on goes nowhere."""
    ours, theirs = os.openpty()
    report = tmp_path / "report"
    process = subprocess.Popen(
        [sys.executable, "-c", HUNG_UP, str(report)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    said = b""
    while b"ready" not in said:
        said += os.read(ours, 1024)
    os.close(ours)
    assert process.wait(PATIENCE_S) == 0
    assert report.read_text() == "report"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_supervisor_whose_log_is_full_says_why_it_ends(tmp_path: Path) -> None:
    """Through the pipe, where its log cannot."""
    broken = tmp_path / "broken.vy"
    broken.write_text("# pragma version 0.4.3\n\n@external\ndef f() -> uint256:\n    return nothing\n")
    options = UpOptions(networks=("base",), results=str(tmp_path), backend="process", contract=str(broken))
    reading, writing = os.pipe()
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "lab.session.up.supervisor", options.model_dump_json(), str(writing)]
        process = subprocess.Popen(command, stdout=full, stderr=full, pass_fds=(writing,))
    os.close(writing)
    with os.fdopen(reading) as pipe:
        messages = [json.loads(line) for line in pipe]
    process.wait(PATIENCE_S)
    assert "broken.vy" in messages[-1]["error"]
    assert messages[-1]["exit_code"] == 2
