"""Ctrl-C while a worker's greenlet is between a node's answer and the note of it."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import os, signal
import gevent
from lab.load.generator.user import interrupt_main_only

interrupt_main_only()
noted = []

def send():
    os.kill(os.getpid(), signal.SIGINT)
    noted.append("mined")
    gevent.sleep(0)
    noted.append("answered")

greenlet = gevent.spawn(send)
try:
    greenlet.join()
    gevent.sleep(600)
except KeyboardInterrupt:
    print("interrupted")
greenlet.join()
print(*noted)
"""


def test_ctrl_c_ends_the_main_greenlet_and_no_other() -> None:
    """Python's own handler would end whichever greenlet runs, and what it was about to note would be lost."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\nmined answered\n", "")
