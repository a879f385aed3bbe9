"""What the lab takes from the machine around it: home, cache, temporary folders, the user, git, text streams.

Every look-up of this kind is here, since each of them fails on some machine: a container's user has no name and no
home, a hook of git names another repository, a locale knows no arrows. Docker's engine has `lab.chains.engine.client`.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lab.errors import EnvironmentFailure

NAME = "tesseract-lab"
GIT_DEADLINE_S = 10
# A narrower terminal is none.
COLUMNS_MIN = 20
# Five nodes, a relayer, a proxy and the compiler's modules.
OPEN_FILES_MIN = 256
OPEN_FILES_ADVISED = 4096
# What git sets for a hook or a command in a repository (`git rev-parse --local-env-vars`), settings excepted.
HOOK_VARIABLES = frozenset(
    {
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_COMMON_DIR",
        "GIT_INDEX_FILE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_QUARANTINE_PATH",
        "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_NAMESPACE",
        "GIT_GRAFT_FILE",
        "GIT_SHALLOW_FILE",
        "GIT_REPLACE_REF_BASE",
        "GIT_NO_REPLACE_OBJECTS",
    }
)


def home() -> Path | None:
    """The user's home folder, which need not exist; None for a user without one, as in a container with `--user`."""
    try:
        folder = Path.home()
    except (RuntimeError, KeyError):
        return None
    return folder if folder.is_absolute() else None


def give_home() -> None:
    """A HOME for libraries that cannot do without: `/`, which is what container engines set for an unknown user."""
    if home() is None:
        os.environ["HOME"] = "/"


def without_home(text: str) -> str:
    """A text in which the user's home folder is `~`: for what is written down and may be passed on."""
    folder = home()
    return text if folder is None or folder == Path("/") else text.replace(str(folder), "~")


def with_advice(error: OSError) -> str:
    """The system's words for an error, with what to do where those do not say it."""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return (
            f"{error}. This process may have {open_files_limit()} files open at once (`ulimit -n`), the lab may "
            f"need {OPEN_FILES_MIN}: run `ulimit -n {OPEN_FILES_ADVISED}` in this shell and try again"
        )
    if error.strerror is None or error.filename is None:
        return str(error)
    place = error.filename if error.filename2 is None else error.filename2
    return f"{os.fsdecode(place)}: {error.strerror}"


def open_files_limit() -> int | None:
    """How many files this process may have open at once; None where there is no limit."""
    import resource

    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def temporary_folder() -> Path:
    """Where temporary files go. Raises EnvironmentFailure where no such folder can be written to."""
    try:
        return Path(tempfile.gettempdir()).absolute()
    except OSError as error:
        raise EnvironmentFailure(
            f"no temporary folder: {error.strerror}. Set TMPDIR to a folder that can be written to."
        ) from error


def cache_folder() -> Path:
    """Where the lab keeps what can be made again: XDG_CACHE_HOME, else ~/.cache, else a private temporary folder.

    A relative XDG_CACHE_HOME is ignored, as its specification asks: it would mean a folder in each working folder.
    Raises EnvironmentFailure where only the temporary one is left and it belongs to somebody else.
    """
    named, folder = Path(os.environ.get("XDG_CACHE_HOME", "")), home()
    if named.is_absolute():
        return named / NAME
    if folder is not None and can_write(folder / ".cache" / NAME):
        return folder / ".cache" / NAME
    return _private(temporary_folder() / f"{NAME}-cache-{user_id()}")


def caches() -> list[Path]:
    """The cache folder, and before it the one in a home that can only be read: what lies there can be used."""
    folder, cache = home(), cache_folder()
    kept = (
        [] if folder is None or Path(os.environ.get("XDG_CACHE_HOME", "")).is_absolute() else [folder / ".cache" / NAME]
    )
    return list(dict.fromkeys([*kept, cache]))


def can_write(folder: Path) -> bool:
    """Whether files can be put there, now or once the folder is made."""
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError:
        return False
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def user_id() -> int:
    """The user's number; 0 where the system has none."""
    return os.getuid() if hasattr(os, "getuid") else 0


def user_name() -> str:
    """The user's name, or the number of one who has no name, as a container's user often has none."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return f"uid {user_id()}"


def spare_from_proxies(host: str) -> None:
    """Let no proxy in the environment carry what goes to this machine: it would look for the host on its own side."""
    for name in ("NO_PROXY", "no_proxy"):
        spared = [part for part in os.environ.get(name, "").split(",") if part]
        if host and host not in spared:
            os.environ[name] = ",".join([*spared, host])


def git_environment() -> dict[str, str]:
    """This process's environment without what git tells its hooks: GIT_DIR and its like name the hook's repository.

    What the user configured (GIT_CONFIG_*, GIT_SSH and so on) stays; messages are asked for in English.
    """
    kept = {name: value for name, value in os.environ.items() if name not in HOOK_VARIABLES}
    # A look must not wait for a lock, ask for a password, or write into somebody's repository.
    return {**kept, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}


def git(folder: Path, *words: str) -> str:
    """What git says of the repository around a folder. Raises EnvironmentFailure with the reason and the way out."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=GIT_DEADLINE_S,
            check=False,
            env=git_environment(),
        )
    except FileNotFoundError:
        raise EnvironmentFailure("git is not installed, or not on PATH") from None
    except subprocess.TimeoutExpired:
        raise EnvironmentFailure(f"git gave no answer on {folder} within {GIT_DEADLINE_S} s") from None
    except OSError as error:
        raise EnvironmentFailure(f"git cannot be run: {error.strerror or error}") from error
    if answer.returncode == 0:
        return answer.stdout.strip()
    if "dubious ownership" in answer.stderr:
        raise EnvironmentFailure(
            f"{folder} belongs to another user, so git does not look into it: if you trust it, run "
            f"`git config --global --add safe.directory {folder}` (`'*'` for all)"
        )
    said = (answer.stderr.strip() or f"exit code {answer.returncode}").splitlines()[0]
    raise EnvironmentFailure(f"git {' '.join(words)} in {folder}: {said.removeprefix('fatal: ')}")


def encoding_problem(text: str) -> str | None:
    """What is wrong with a name that is no text in this system's encoding, and what to do; None where it is one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        encoding = sys.getfilesystemencoding()
        advice = "" if encoding == "utf-8" else ", or set PYTHONUTF8=1 if the name is UTF-8"
        return f"expected text in {encoding}, this system's encoding, got other bytes: rename the file{advice}"
    return None


def let_streams_take_any_text() -> None:
    """What the terminal's encoding cannot show is written as an escape, not as an error in the middle of a report."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a replaced stream may have none


def ignore_useless_width() -> None:
    """Where COLUMNS is 0, as some schedulers set it, tables would be printed as nothing at all."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) < COLUMNS_MIN:
        del os.environ["COLUMNS"]


def leave_terminal() -> None:
    """The terminal was closed: what is written to it from now on goes nowhere, in place of being an error."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        if stat.S_ISCHR(os.fstat(stream).st_mode) and not os.isatty(stream):
            os.dup2(null, stream)
    os.close(null)


def end_at_next_interrupt() -> None:
    """From now on Ctrl-C ends this process at once, with one line: what is being cleaned up may take long."""

    def end(*_: object) -> None:
        with contextlib.suppress(OSError):
            os.write(2, b"interrupted: ended at once; what the run had started is ended with it\n")
        os._exit(130)

    signal.signal(signal.SIGINT, end)


@contextlib.contextmanager
def end_at_second_interrupt() -> Iterator[None]:
    """The first Ctrl-C is a KeyboardInterrupt, the second one ends this process; so does the first one afterwards."""

    def first(*_: object) -> None:
        end_at_next_interrupt()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        end_at_next_interrupt()


def _private(folder: Path) -> Path:
    """Make it, for this user only: binaries will be run from it, so nobody else may have put them there."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise EnvironmentFailure(
            f"no folder for the cache: {error.strerror}: {folder}. Set XDG_CACHE_HOME to a folder of yours."
        ) from error
    if folder.is_symlink() or status.st_uid != user_id() or status.st_mode & 0o022:
        raise EnvironmentFailure(
            f"{folder} is not this user's alone, so nothing is kept there. Set XDG_CACHE_HOME to a folder of yours."
        )
    return folder
