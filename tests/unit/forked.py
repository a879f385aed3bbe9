"""Programs of the lab in a fork of the test process: processes of their own, for which nothing is imported again.

To load the lab takes a second, which is most of what a short command or a small pytest session takes.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

DEADLINE_S = 600.0
POLL_S = 0.01


def forked(body: Callable[[], int], folder: Path) -> tuple[int, str, str]:
    """Run it there, without an input; its exit code and its output, which go through files in `folder`."""
    out, err = streams = folder / "stdout", folder / "stderr"
    for stream in streams:
        stream.write_bytes(b"")
    child = os.fork()
    if child == 0:
        _become(body, streams)
    code = _wait(child)
    return code, out.read_text(encoding="utf-8", errors="replace"), err.read_text(encoding="utf-8", errors="replace")


def _wait(child: int) -> int:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(POLL_S)


def _become(body: Callable[[], int], streams: tuple[Path, Path]) -> NoReturn:
    code = 70
    try:
        # What this process holds is not looked through for rubbish again and again.
        gc.freeze()
        for number, path in enumerate((Path(os.devnull), *streams)):
            os.dup2(os.open(path, os.O_RDWR), number)
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
        logging.getLogger().handlers.clear()
        code = body()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
