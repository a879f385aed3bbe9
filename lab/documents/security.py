"""The security guide beside the contract: its sections, and who may call what."""

from __future__ import annotations

import re

from lab.documents.reference import Documented, NatSpec

SECTIONS = ("Trust model", "Who can do what", "Who can stop what", "Key custody", "Known limits")
_ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (yes|no) \|$", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)\n\n(?=[^#\n])", re.MULTILINE)


def security_differences(text: str, documented: Documented) -> list[str]:
    """Sections that are missing or empty, and rows of the table that are not as the contract has it."""
    differing = [f"section {name}: missing" for name in SECTIONS if name not in _SECTION.findall(text)]
    table = {name: (who, paused) for name, who, paused in _ROW.findall(text)}
    changing = {
        str(one["name"]) for one in documented.entries("function") if one["stateMutability"] not in ("view", "pure")
    }
    differing += [f"{name}: not in the table" for name in sorted(changing - set(table))]
    differing += [f"{name}: no function that changes anything" for name in sorted(set(table) - changing)]
    for name in sorted(changing & set(table)):
        expected = allowed(name, documented)
        if table[name] != expected:
            differing.append(f"{name}: expected {' and '.join(expected)}, got {' and '.join(table[name])}")
    return differing


def allowed(function: str, documented: Documented) -> tuple[str, str]:
    """Who may call a function, and whether while paused, by the reasons that its NatSpec gives."""
    said = documented.natspec.get(function, NatSpec()).dev
    if "Only pending owner" in said:
        return "pending owner", "yes"
    if "Only owner" in said:
        return "owner", "no" if '"Coordinator is paused"' in said else "yes"
    return "operator", "no"
