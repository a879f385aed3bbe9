"""A relayer's own clock, made to show the chains' time where that runs faster than the wall's: libfaketime.

It is loaded into every dynamically linked program, and scales what the C library says of the time, and every wait. Two
small libraries of the lab's (`dilation.c`), compiled once, add what it lacks: each process begins at the chains' time,
and locks with a time limit, as in Python, end when they should. What reads the machine's clock past the C library
(static programs, Go) cannot be dilated, and is refused: its decisions would rest on another time than the chains'.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from lab.bounded_files import open_regular
from lab.environment import cache_folder
from lab.errors import EnvironmentFailure, UsageError
from lab.model.redacted import redact_command
from lab.model.session import Session
from lab.relayer.clock import SPEED_VARIABLE

SOURCE = Path(__file__).with_suffix(".c")
GENESIS_VARIABLE, LIBRARY_VARIABLE = "LAB_CLOCK_GENESIS", "LAB_FAKETIME"
LIBRARY = "libfaketime.so.1"
FOLDERS = ("/usr/lib/{}/faketime", "/usr/lib/faketime", "/usr/lib64/faketime", "/usr/local/lib/faketime")
COMPILERS = ("cc", "gcc", "clang")
COMPILED_WITHIN_S = 60
GO_MARK = b"\xff Go buildinf:"
PT_INTERP = 3


def dilation(words: Sequence[str], folder: Path, session: Session, inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables under which a command's clock shows the session's chain time; none at speed 1.

    Raises UsageError for a program that heeds none of them, EnvironmentFailure where something is missing for it.
    """
    if session.speed == 1:
        return {}
    if sys.platform != "linux":
        raise EnvironmentFailure(
            f"--speed: expected Linux, got {sys.platform}: elsewhere no relayer's clock is dilated"
        )
    program = _program(words[0], folder, inherited)
    if program is not None and (what := _known_deaf(program)) is not None:
        raise _refusal(redact_command(shlex.join(words)), what, session.speed)
    waits, anchor = _compiled()
    return {
        **_preloaded((waits, _library(inherited), anchor), inherited),
        GENESIS_VARIABLE: str(session.genesis_time),
        SPEED_VARIABLE: f"{session.speed:g}",
        "FAKETIME": f"+0 x{session.speed:g}",
        # Read once: it never changes. Times of files stay what they are, and memory is not shared.
        "FAKETIME_CACHE_DURATION": "1000000",
        "NO_FAKE_STAT": "1",
        "FAKETIME_DISABLE_SHM": "1",
    }


def _preloaded(libraries: Sequence[Path], inherited: Mapping[str, str]) -> dict[str, str]:
    """The variables that load them in this order, behind what is loaded anyway.

    A space ends an entry of LD_PRELOAD, and none of LD_LIBRARY_PATH: what lies in a folder with one goes by its name.
    """
    by_name = [path for path in libraries if " " in str(path)]
    entries = [path.name if path in by_name else str(path) for path in libraries]
    variables = {"LD_PRELOAD": _joined(inherited.get("LD_PRELOAD"), *entries)}
    if by_name:
        folders = dict.fromkeys(str(path.parent) for path in by_name)
        variables["LD_LIBRARY_PATH"] = _joined(*folders, inherited.get("LD_LIBRARY_PATH"))
    return variables


def _joined(*entries: str | None) -> str:
    return ":".join(filter(None, entries))


def missing() -> str | None:
    """What this machine lacks to dilate a relayer's clock, and how to install it; None where it has all."""
    try:
        _library(os.environ)
        _compiled()
    except EnvironmentFailure as failure:
        return str(failure)
    return None if sys.platform == "linux" else "no relayer's clock is dilated but on Linux"


def require_dilated(members: Iterable[psutil.Process], shown: str, speed: float) -> None:
    """Raise UsageError where something of a running relayer, but for wrappers around it, has the machine's clock."""
    for process in members:
        try:
            if process.children():
                continue
            loaded = LIBRARY in Path(f"/proc/{process.pid}/maps").read_text(encoding="utf-8", errors="replace")
            program = Path(process.exe())
            what = _deaf(program) if loaded else f"{program} is statically linked, or dropped LD_PRELOAD,"
        except (psutil.Error, OSError, ValueError):
            # It has ended, or is not to be looked at.
            continue
        if what is not None:
            raise _refusal(shown, what, speed)


def _refusal(shown: str, what: str, speed: float) -> UsageError:
    return UsageError(
        f"the relayer `{shown}` cannot run at --speed {speed:g}: {what} and reads the machine's clock, which nobody "
        "can make faster for it. Leave --speed out"
    )


def _program(word: str, folder: Path, inherited: Mapping[str, str]) -> Path | None:
    """The file that a command runs; of a script, its interpreter. None where there is none: its start will say so."""
    for _ in range(3):
        place = str(folder / word) if "/" in word else shutil.which(word, path=inherited.get("PATH"))
        if place is None:
            return None
        try:
            with open_regular(Path(place)) as file:
                head = file.read(256)
        except OSError:
            return None
        if not head.startswith(b"#!"):
            return Path(place)
        shebang = os.fsdecode(head[2:].partition(b"\n")[0]).split()
        if not shebang:
            return None
        word = shebang[1] if shebang[0].endswith("/env") and len(shebang) > 1 else shebang[0]
    return None


def _known_deaf(program: Path) -> str | None:
    try:
        return _deaf(program)
    except (OSError, ValueError):
        # Its start will say what is wrong with it.
        return None


def _deaf(program: Path) -> str | None:
    """What keeps a program from being dilated; None where nothing is known to. Raises OSError, ValueError."""
    with open_regular(program) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
        if image[:4] != b"\x7fELF":
            return None
        if image[4:6] == b"\x02\x01" and PT_INTERP not in _segments(image):
            return f"{program} is statically linked"
        return f"{program} is a Go program" if image.find(GO_MARK) >= 0 else None


def _segments(image: mmap.mmap) -> list[int]:
    """The kinds of an ELF file's program headers, 64 bits and little-endian."""
    (offset,) = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    return [struct.unpack_from("<I", image, offset + size * number)[0] for number in range(count)]


def _library(inherited: Mapping[str, str]) -> Path:
    if named := inherited.get(LIBRARY_VARIABLE):
        if not Path(named).is_file():
            raise EnvironmentFailure(f"{LIBRARY_VARIABLE}: expected {LIBRARY} there, found none: {named}")
        return Path(named)
    for folder in FOLDERS:
        path = Path(folder.format(sysconfig.get_config_var("MULTIARCH") or "")) / LIBRARY
        if path.is_file():
            return path
    raise _missing("libfaketime", "apt-get install faketime")


def _compiled() -> tuple[Path, Path]:
    """The two libraries, compiled unless they were before."""
    source = SOURCE.read_bytes()
    folder = cache_folder() / "dilation" / hashlib.sha256(source).hexdigest()[:16]
    if ":" in str(folder):
        raise EnvironmentFailure(
            f"--speed: expected a cache folder without colons, got {folder}: set XDG_CACHE_HOME to another"
        )
    made = folder / "waits.so", folder / "anchor.so"
    for path, flags in zip(made, ((), ("-DANCHOR",)), strict=True):
        if not path.is_file():
            _compile(path, flags)
    return made


def _compile(path: Path, flags: Sequence[str]) -> None:
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise _missing("a C compiler", "apt-get install gcc libc6-dev")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    words = [compiler, "-shared", "-fPIC", "-O1", *flags, "-o", str(temporary), str(SOURCE)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=COMPILED_WITHIN_S, check=False)
    if done.returncode != 0:
        first = next(iter(done.stderr.splitlines()), "no message")
        raise EnvironmentFailure(f"--speed: {SOURCE.name} does not compile ({first}): apt-get install gcc libc6-dev")
    temporary.replace(path)


def _missing(what: str, command: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"--speed: a relayer of your own needs {what}, which makes its clock as fast as the chains': `{command}`"
    )
