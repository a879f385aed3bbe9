"""Finds the one `lab.yaml` of a command: from what it is asked to run upwards, and from the working folder upwards.

A search looks into the folder where it starts and into each folder above, up to the root of the git repository. It
does not climb into the user's home folder, the root of the file system, or a folder that everybody may write to: what
lies there belongs to no project. Where that finds nothing, links are followed, and the search begins anew. What the lab
itself brings (its scenario library, its load profiles) has no project.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from lab.errors import UsageError
from lab.evidence.projects import project_marks
from lab.paths import is_own, real_path
from lab.session.project import PROJECT_FILE, Project, read_project

MISNAMED = "lab.yml"
# By which pytest, too, knows where a project begins.
_CONFIGURATIONS = ("pytest.ini", ".pytest.ini", "pyproject.toml")


def find_project(working_folder: Path, beside: Iterable[Path] = ()) -> Project | None:
    """The project of the working folder and of everything in `beside`, files or folders; None without one.

    Raises UsageError that names both where two files of different content are found, InvalidFile for a malformed one.
    """
    nearest: Project | None = None
    found_from = ""
    for start in (working_folder, *(path for path in beside if not is_own(path))):
        path = search(start) or search(real_path(start))
        if path is None or (nearest is not None and same_file(path, nearest.path)):
            continue
        project = read_project(path)
        if nearest is None:
            nearest, found_from = project, shown(start)
        elif project.choices != nearest.choices:
            raise UsageError(
                f"expected one project, found two: {shown(nearest.path)} (from {found_from} upwards) and {shown(path)} "
                f"(from {shown(start)} upwards). Work in the folder of the one that you mean, one at a time"
            )
    return nearest


def search(start: Path) -> Path | None:
    """The nearest project file of a file or folder, looking upwards."""
    for folder in upwards(start):
        path = folder / PROJECT_FILE
        # A link that leads nowhere is one, too: whoever reads it says what is wrong.
        if os.path.isfile(path) or (os.path.islink(path) and not os.path.exists(path)):  # noqa: PTH113, PTH114, PTH110 - these raise for nothing
            return path
    return None


def misnamed(start: Path) -> Path | None:
    """A file that was probably meant to be the project file."""
    return next((folder / MISNAMED for folder in upwards(start) if os.path.isfile(folder / MISNAMED)), None)  # noqa: PTH113 - raises for nothing


def upwards(start: Path) -> Iterator[Path]:
    """The folders in which a search from a file or folder looks, the nearest first."""
    here = Path(os.path.abspath(start))  # noqa: PTH100 - a link stays where the user sees it
    first = here if here.is_dir() else here.parent
    for folder in (first, *first.parents):
        if folder != first and _is_nobodys(folder):
            return
        yield folder
        if os.path.exists(folder / ".git"):  # noqa: PTH110 - raises for nothing
            return


def _is_nobodys(folder: Path) -> bool:
    """Whether a file in here was hardly put there for a project below."""
    with suppress(RuntimeError, OSError):
        if folder == Path.home():
            return True
    with suppress(OSError):
        mode = folder.stat().st_mode
        return folder == folder.parent or bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)
    return True


def git_root(start: Path) -> Path | None:
    """The root of the git repository around a folder, as far as a search goes."""
    return next((folder for folder in upwards(start) if os.path.exists(folder / ".git")), None)  # noqa: PTH110 - raises for nothing


def project_folder(project: Project | None) -> Path:
    """Where a project begins that is worked on in the working folder, so that it is one from anywhere inside.

    That is where its `lab.yaml` is; else where pytest's configuration is, upwards; else the repository's root; else the
    working folder.
    """
    here = Path.cwd()
    if project is not None:
        return project.path.parent
    configured = (folder for folder in upwards(here) if any(os.path.isfile(folder / name) for name in _CONFIGURATIONS))  # noqa: PTH113 - raises for nothing
    return next(configured, None) or git_root(here) or here


def project_marks_of(project: Project | None, results: Path) -> tuple[str, ...]:
    """What evidence in a results folder says of the project that it is of."""
    return project_marks(real_path(project_folder(project)), real_path(results))


def same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to the same file."""
    return real_path(one) == real_path(other)


def shown(path: Path) -> str:
    """A path for people and for evidence: whole, but without the user's home folder."""
    text = os.path.abspath(path)  # noqa: PTH100 - a link stays where the user sees it
    with suppress(RuntimeError, OSError):
        home = str(Path.home())
        if text == home or text.startswith(home.rstrip("/") + "/"):
            return "~" + text[len(home.rstrip("/")) :]
    return text


def shown_from(path: Path, folder: Path) -> str:
    """A path as a person in `folder` would write it: relative where that is near, else whole."""
    relative = os.path.relpath(path, folder)
    return shown(path) if relative.count("../") > 2 else relative
