"""ARCHITECTURE.md's table of layers beside the folders of the package."""

from __future__ import annotations

import re

from lab.paths import PACKAGE

_ROW = re.compile(r"^\| \d+ \| (.+?) \| (.+) \|$", re.MULTILINE)
_NAME = re.compile(r"`([\w.]+?)(?:/|\.py)?`")


def architecture_differences(text: str) -> list[str]:
    """Parts of `lab` that no row names, and names that are none. Empty where both agree."""
    named = [name.removesuffix(".py") for cell, _ in _ROW.findall(text) for name in _NAME.findall(cell)]
    parts = {
        path.stem
        for path in PACKAGE.iterdir()
        if (path.suffix == ".py" or (path / "__init__.py").is_file()) and not path.name.startswith("_")
    }
    differing = [f"lab/{name}: in no row" for name in sorted(parts - set(named))]
    differing += [f"`{name}`: no part of lab" for name in sorted(set(named) - parts)]
    return differing + [f"`{name}`: in two rows" for name in sorted({name for name in named if named.count(name) > 1})]
