"""The folder of a load run that begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.evidence.repository import lab_state
from lab.evidence.seal import write_started
from lab.load.profile.profile import LoadProfile, recorded_profile
from lab.session.project import Project
from lab.session.project_search import project_marks_of
from lab.session.suite import new_run_id


def new_folder(
    results: Path, profile: LoadProfile, project: Project | None, own: Sequence[Path] = ()
) -> tuple[str, Path]:
    """A run's name and its folder, which says already what is going to be measured: a run that dies is known.

    `project` is the one of the working folder. `own` is the user's own profile file, if it is one: two of them may have
    one name inside.
    """
    run_id = new_run_id()
    folder = (results / "load" / run_id).absolute()
    folder.mkdir(parents=True)
    facts: dict[str, Any] = {"schema_version": 1, "profile": profile.name, "item": f"load {profile.name}"}
    facts |= {"run_id": run_id, "lab": lab_state(), "started": datetime.now(UTC).isoformat(timespec="seconds")}
    facts["profile_file"] = recorded_profile(own[0], folder.parents[2]) if own else None
    write_started(folder, {**facts, "project": project_marks_of(project, folder.parents[1])})
    return run_id, folder
