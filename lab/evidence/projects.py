"""Which project evidence is of, so that two that share a results folder do not stand for each other.

A repository is known by its first commit and by its origin, wherever it is cloned, moved to or checked out beside.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from lab.environment import git
from lab.errors import EnvironmentFailure

# `https://user@host:port/path.git` and `user@host:path`; a folder on this machine says nothing elsewhere.
_ORIGIN = re.compile(r"(?:\w[\w+.-]*://(?:[^@/]*@)?([^:/]+)(?::\d+)?/|(?:[^@/:]+@)?([^:/@]+):(?!//))(.+?)(?:\.git)?/*")

# Who works in a project's folder of scenarios works in the project: paths of files are recorded so, too.
_LIBRARY = re.compile(r"(?:^|(?<=/))scenarios/\Z")


@lru_cache(maxsize=8)
def project_marks(root: Path, results: Path) -> tuple[str, ...]:
    """Digests of what the project at `root` is known by; two with one in common are the same project.

    None of them in a shallow clone without an origin. Without a repository a project that keeps its results inside
    has none either, since they move along with it; else it is the way to it from the results.
    """
    try:
        inside = _LIBRARY.sub("", git(root, "rev-parse", "--show-prefix"))
        git(root, "rev-parse", "--verify", "HEAD")
    except EnvironmentFailure:
        way = os.path.relpath(root, results)
        return () if results.is_relative_to(root) else (_digest("folder", way),)
    known = {"commit": _first_commit(root), "origin": _origin(root)}
    return tuple(_digest(kind, mark, inside) for kind, mark in known.items() if mark)


def projects_of(stated: Iterable[Sequence[str]]) -> dict[str, str]:
    """Each mark with one that is the same for all marks of its project: marks that are stated together are of one."""
    projects: dict[str, str] = {}
    for marks in stated:
        if marks:
            joined = {projects[mark] for mark in marks if mark in projects}
            together = {*marks, *(mark for mark, project in projects.items() if project in joined)}
            projects |= dict.fromkeys(together, min(together))
    return projects


def told_apart(stated: Sequence[Sequence[str]]) -> list[str]:
    """The project of each, empty for one that does not say; as long as no two are known, that is all of them."""
    projects = projects_of(stated)
    several = len(set(projects.values())) > 1
    return [projects[marks[0]] if several and marks else "" for marks in stated]


def _first_commit(root: Path) -> str:
    """By first parents, since a merge can bring in another repository's. Where a clone is cut off nobody knows it."""
    try:
        if git(root, "rev-parse", "--is-shallow-repository") != "false":
            return ""
        return git(root, "rev-list", "--first-parent", "--max-parents=0", "HEAD")
    except EnvironmentFailure:
        return ""


def _origin(root: Path) -> str:
    try:
        address = _ORIGIN.fullmatch(git(root, "config", "--get", "remote.origin.url"))
    except EnvironmentFailure:
        return ""
    return f"{address[1] or address[2]}/{address[3].lstrip('/')}".lower() if address else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:16]
