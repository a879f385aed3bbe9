"""The operations manual beside the commands: a section for every operation, with the drill that proves it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lab.paths import SCENARIOS

_SECTION = re.compile(r"^#{2,3} .*?`lab ops ([\w-]+).*?$(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
_DRILL = re.compile(r"\b((?:drills|operations)/\w+)")


def without_section(manual: str, names: Sequence[str]) -> list[str]:
    """Operations without a section, sections without a drill that exists, and sections about nothing."""
    sections = dict(_SECTION.findall(manual))
    if not names:
        return ["there is no `lab ops` command"]
    differing = [f"lab ops {name}: no section" for name in names if name not in sections]
    differing += [f"lab ops {name}: a section about nothing" for name in sections if name not in names]
    for name, text in sections.items():
        drills = _DRILL.findall(text)
        if not drills:
            differing.append(f"lab ops {name}: names no drill")
        differing += [f"lab ops {name}: no drill {drill}" for drill in drills if not _exists(drill)]
    return differing


def _exists(drill: str) -> bool:
    return any((SCENARIOS / f"{drill}{suffix}").is_file() for suffix in (".py", ".yaml"))
