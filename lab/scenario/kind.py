"""Whether a YAML file is a scenario, by its top-level keys: cheap, since it is asked of files that are none.

At most 256 KiB are read, and no YAML is parsed. A scenario has a timeline, and networks or flows. One that lacks a part
or has it misspelled is still known by its name, its description and the parts that are there, so that a typing error
is a problem with a place and never a scenario that nobody runs.
"""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lab.scenario.finding import read_start

SNIFFED_BYTES = 256 * 1024
PARTS = ("timeline", "networks", "flows")
KEYS = frozenset(
    {*PARTS, "name", "description", "rows", "needs", "clock", "seed", "timeout", "window", "relayer", "checks"}
    | {"matrix", "monitor"}
)
# A key that no scenario has, and what a file with it is most likely.
OTHERS = {
    "extends": "a network profile",
    "block_time_ms": "a network profile",
    "sources": "a network profile",
    "traffic": "a load profile",
    "shape": "a load profile",
    "relayer_cmd": "a project file of the lab",
    "events": "a project file of the lab",
    "row": "an attestation",
    "sections": "a checklist",
    "jobs": "a CI workflow",
    "services": "a Compose file",
    "apiVersion": "a Kubernetes manifest",
    "openapi": "an OpenAPI document",
    "swagger": "an OpenAPI document",
    "repos": "a pre-commit configuration",
    "site_name": "an MkDocs configuration",
}
_KEY = re.compile(r"""(?:"([^"\\]*)"|'([^']*)'|([A-Za-z_$][^\s:#'"{}\[\],]*(?: [^\s:#'"{}\[\],]+)*))\s*:(?:\s|$)""")
_FLOW_TOKEN = re.compile(r""""[^"\\]*"|'[^']*'|[{}\[\],:]|[^\s{}\[\],:"']+""")


@dataclass(frozen=True, slots=True)
class Kind:
    """`scenario`: run it, or say what is wrong with it. `doubtful`: none, but it may have been meant as one.

    `description`: what the file seems to be, for a sentence: "an empty file", "a network profile (keys extends, name)".
    """

    scenario: bool
    doubtful: bool
    description: str


def kind_of(path: Path) -> Kind:
    """What a file is. Never raises, and never waits for a pipe."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Kind(False, False, "a device or a pipe")
        data = read_start(path, SNIFFED_BYTES)
    except (OSError, ValueError) as error:
        return Kind(False, True, f"a file that cannot be read ({getattr(error, 'strerror', None) or error})")
    if not data.strip():
        return Kind(False, False, "an empty file")
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in data and not utf16:
        return Kind(False, False, "a binary file")
    return _kind(data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace"))


def _kind(text: str) -> Kind:
    keys = top_level_keys(text)
    if keys is None:
        return Kind(False, False, "a list")
    parts = [part for part in PARTS if part in keys]
    strange = [key for key in keys if key not in KEYS]
    meant = [part for part in PARTS if part not in keys and difflib.get_close_matches(part, strange, 1, 0.75)]
    other = next((OTHERS[key] for key in OTHERS if key in keys), None)
    named = {"name", "description"} <= keys.keys()
    scenario = ("timeline" in parts and len(parts) > 1) or bool(
        parts and len(parts) + len(meant) > 1 and named and other is None
    )
    doubtful = not scenario and other is None and bool(parts or meant) and sum(key in KEYS for key in keys) > 2
    shown = ", ".join(islice(keys, 5)) + (", …" if len(keys) > 5 else "")
    what = "a scenario" if scenario else other or ("a scenario with parts missing" if doubtful else "something else")
    return Kind(scenario, doubtful, f"{what} (keys {shown})" if keys else "a file without keys")


def top_level_keys(text: str) -> dict[str, None] | None:
    """The keys of the first document's mapping, in their order, also where its syntax is broken; None for a list."""
    keys: dict[str, None] = {}
    indent: int | None = None
    for line in text.splitlines():
        content = line.lstrip(" ")
        if not content or content[0] in "#%":
            continue
        if line.startswith(("---", "...")):
            if indent is not None:
                break
            content = line[3:].strip()
            if content[:1] != "{":
                continue
        column = len(line) - len(content)
        if indent is None:
            indent = column
            if content.startswith("{"):
                return dict.fromkeys(_flow_keys(text[text.index("{") :]))
            if content == "-" or content.startswith("- "):
                return None
        match = _KEY.match(content) if column == indent else None
        if match is not None:
            keys[next(group for group in match.groups() if group is not None)] = None
    return keys


def _flow_keys(text: str) -> Iterator[str]:
    """The keys of a mapping in braces."""
    depth, key_comes = 0, False
    for token in _FLOW_TOKEN.findall(text):
        if token in "{[":
            depth += 1
            key_comes = depth == 1
        elif token in "}]":
            depth -= 1
            if depth == 0:
                return
        elif token == ",":
            key_comes = depth == 1
        elif key_comes:
            key_comes = False
            yield token.strip("\"'")
