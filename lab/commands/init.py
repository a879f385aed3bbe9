"""`lab init`: what a repository needs to be tested by the lab, each file commented. It never overwrites anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from string import Template

import lab
from lab.bounded_files import open_append, read_bytes, read_text
from lab.deploy.artifacts.contract_file import artifact_data, split_name
from lab.deploy.vyper.project_folders import project_folders
from lab.errors import UsageError
from lab.session.project import PROJECT_FILE
from lab.session.project_search import git_root, search, shown
from lab.yamlsource import scalar

TEMPLATES = Path(__file__).with_name("templates")
SCENARIO, PROFILE = Path("scenarios/payment.yaml"), Path("loadtests/first.yaml")
WORKFLOW = Path(".github/workflows/tesseract-lab.yml")
IGNORED = ("results/",)
NO_CONTRACT = "contract: null  # such as contracts/MyCoordinator.vy; until then the lab's reference is tested"
# What only a coordinator has, in a source as in an artifact.
_MARK = re.compile(r"\bbuffer_transaction\b")
_SKIPPED = frozenset({"node_modules", "results", "site-packages", "scenarios", "loadtests"})
_BUILDS = frozenset({".build", "artifacts", "build", "out"})
_SIZE_MAX, _FILES_MAX, _SHOWN_MAX = 4 << 20, 20_000, 5


def init(folder: Path, contract: Path | None) -> None:
    """Write the files, and say of each whether it was written or kept. Raises UsageError with nothing written."""
    above = search(folder)
    if above is not None and above.parent != folder:
        raise UsageError(
            f"{shown(above)} is already the project of this folder: work there, or in a folder outside of it"
        )
    path, how = _contract(folder, contract)
    root = git_root(folder) or folder
    values = {
        "contract": f"contract: {scalar(path)}" if path else NO_CONTRACT,
        "folder": folder.relative_to(root).as_posix(),
        "version": lab.__version__,
    }
    _write(folder / PROJECT_FILE, "lab.yaml", values, how)
    _write(folder / SCENARIO, "payment.yaml", values, "one scenario")
    _write(folder / PROFILE, "first.yaml", values, "one load profile")
    _ignore(folder / ".gitignore")
    _write(root / WORKFLOW, "tesseract-lab.yml", values, "a CI job")
    print("next        lab contract, pytest scenarios/, pytest --library, lab load loadtests/first.yaml, lab report")


def _contract(folder: Path, given: Path | None) -> tuple[str, str]:
    """The path for lab.yaml, "" for none, and how it was found. Raises UsageError where several could be meant."""
    if given is not None:
        path, name = split_name(given)
        if path.is_dir():
            artifact_data(path)
        file = Path(os.path.relpath(path, folder)).as_posix()
        return f"{file}:{name}" if name else file, f"contract {given}, as given"
    possible = candidates(folder)
    if len(possible) > 1:
        names = ", ".join(str(path) for path in possible[:_SHOWN_MAX])
        more = f" and {len(possible) - _SHOWN_MAX} more" if len(possible) > _SHOWN_MAX else ""
        raise UsageError(f"expected one contract with buffer_transaction, got {names}{more}: choose with --contract")
    if possible:
        return possible[0].as_posix(), f"contract {possible[0]}, which has buffer_transaction"
    return "", "no contract with buffer_transaction found: set `contract` in it; until then the reference is tested"


def candidates(folder: Path) -> list[Path]:
    """Sources that may be the contract under test; without one, artifacts."""
    files = list(islice(_files(folder), _FILES_MAX))
    for kind in (".vy", ".json"):
        marked = [path.relative_to(folder) for path in files if path.suffix == kind and _is_marked(path)]
        if marked:
            return sorted(marked)
    return []


def _files(folder: Path) -> Iterator[Path]:
    builds = set(project_folders(folder).builds)
    for here, folders, names in os.walk(folder):
        hidden = {name for name in folders if name.startswith(".") and name != ".build"}
        folders[:] = sorted(
            name for name in set(folders) - hidden - _SKIPPED if not (Path(here) / name / "pyvenv.cfg").exists()
        )
        in_build = bool(_BUILDS & set(Path(here).relative_to(folder).parts))
        in_build = in_build or not builds.isdisjoint((Path(here), *Path(here).parents))
        yield from (Path(here) / name for name in sorted(names) if name.endswith(".vy") or in_build)


def _is_marked(path: Path) -> bool:
    try:
        text = read_bytes(path, max_bytes=_SIZE_MAX).decode("utf-8", errors="replace")
    except OSError:
        return False
    return bool(_MARK.search(text)) and (path.suffix != ".json" or ('"abi"' in text and '"bytecode"' in text))


def _write(path: Path, template: str, values: dict[str, str], what: str) -> None:
    name = _name(path)
    if os.path.lexists(path):
        print(f"kept        {name}: it already exists")
        return
    text = Template(read_text(TEMPLATES / template)).safe_substitute(values)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    print(f"wrote       {name}: {what}")


def _ignore(path: Path) -> None:
    """Add the lines that are missing at the end."""
    before = read_text(path) if path.exists() else ""
    there = {line.strip().strip("/") for line in before.splitlines()}
    missing = [line for line in IGNORED if line.strip("/") not in there]
    if not missing:
        print(f"kept        {_name(path)}: it already has {', '.join(IGNORED)}")
        return
    with open_append(path) as file:
        file.write((("\n" if before and not before.endswith("\n") else "") + "\n".join(missing) + "\n").encode())
    print(f"{'added to' if before else 'wrote':<11} {_name(path)}: {', '.join(missing)}")


def _name(path: Path) -> str:
    return os.path.relpath(path)
