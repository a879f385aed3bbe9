"""Compilers and what else reads a contract's source run in here: what they read was written by others.

A source can be small, and keep a compiler busy for ever or take all memory. Each runs in a session of its own, which
ends whole, within bounds on memory, processor time, output and the clock on the wall.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bounded_files import JSON_BYTES_MAX, parse_json, read_bytes
from lab.chains.processes.child import how_ended, tied_to_parent
from lab.owner import temporary_directory

# The reference takes 2 s of processor time and 70 MB. What needs this much makes no contract that a chain takes.
CPU_S_MAX = 60
MEMORY_BYTES_MAX = 272 << 20
# On the wall, where other programs have the processor.
DEADLINE_S = 600.0
OUTPUT_BYTES_MAX = JSON_BYTES_MAX
# Whoever has taken this share of the memory and then failed, failed of it: what was asked for in vain is in no figure.
NEAR = 7 / 8
_LIMITER = Path(__file__).with_name("limiter.py")
SMALLER = "make the contract smaller or less deeply nested, or give its artifact (JSON with abi and bytecode)"


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended. `started` is False where what was to start it did not come so far."""

    returncode: int
    stdout: str
    stderr: str
    started: bool
    peak_bytes: int = 0

    @property
    def beyond(self) -> str:
        """The bound that it met, in words; empty where it met none."""
        # Without memory an interpreter may ask for it again and again, until its time is over as well.
        if self.peak_bytes >= NEAR * MEMORY_BYTES_MAX:
            return f"it takes more than {MEMORY_BYTES_MAX >> 20} MiB of memory to compile"
        if self.returncode == -signal.SIGXCPU:
            return f"it takes more than {CPU_S_MAX} s of processor time to compile"
        return ""

    def how(self) -> str:
        """How one that failed did so: the bound that it met, else the signal or exit code and its last words."""
        last = next(iter(self.stderr.strip().splitlines()[-1:]), "") if self.returncode >= 0 else ""
        said = f": {last.strip()}" if last else ""
        return self.beyond or f"the compiler ended with {how_ended(self.returncode)}{said}"


def run_limited(
    words: Sequence[str],
    *,
    through: Sequence[str] = (),
    given: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Ended:
    """Run a program to its end. `through` starts it in turn, itself without bounds; `given` is its input.

    Raises OSError, UnfitFile for too much output, and subprocess.TimeoutExpired once all that was started has ended.
    """
    with temporary_directory("compiler") as place:
        note, said, complained = (place / name for name in ("note.json", "stdout", "stderr"))
        (place / "stdin").write_text(given, encoding="utf-8")
        bounds = (MEMORY_BYTES_MAX, CPU_S_MAX, OUTPUT_BYTES_MAX)
        limiter = [sys.executable, "-I", "-S", str(_LIMITER), str(note), *map(str, bounds)]
        with (place / "stdin").open("rb") as stdin, said.open("xb") as stdout, complained.open("xb") as stderr:
            process = subprocess.Popen(
                [*tied_to_parent(), *through, *limiter, *words],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
            try:
                code = process.wait(deadline_s)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
        out, err = (
            read_bytes(file, max_bytes=OUTPUT_BYTES_MAX).decode("utf-8", errors="replace")
            for file in (said, complained)
        )
        if not note.exists():
            return Ended(code, out, err, started=False)
        noted = parse_json(read_bytes(note), note)
        return Ended(noted["code"], out, err, started=True, peak_bytes=noted["peak_bytes"])
