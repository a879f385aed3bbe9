"""The modules of the lab as tests of its habits read them. Parsing all takes seconds, so a text is searched first."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import lab

ROOT = Path(lab.__file__).parent


@cache
def texts() -> dict[str, str]:
    """Every module's text, by its path below `lab`."""
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(ROOT.rglob("*.py"))}


def nodes(pattern: str) -> Iterator[tuple[str, ast.AST]]:
    """(path below `lab`, node) of every node of the modules in whose text the pattern is found."""
    for path, text in texts().items():
        if re.search(pattern, text):
            for node in ast.walk(ast.parse(text)):
                yield path, node
