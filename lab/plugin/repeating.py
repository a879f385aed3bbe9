"""The command that repeats an item and nothing else, and `--lab-item`, which picks what pytest has no argument for.

pytest reads `FILE::NAME[PARAMETERS]`, so that a path with a bracket or two colons cannot be said to it. Its folder is
named then, and the item by this option; nothing beside the item's file is collected.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.plugin.options import plain, value, written
from lab.plugin.sharing import relayer_command, suite


def repeating(node: pytest.Item) -> str:
    """The one command that runs this item again on the same backend, in the folder that pytest was started in."""
    config = node.config
    parts = ["pytest", *_selected(node)]
    if given := plain(config, "inifilename"):
        parts += [f"-c{given}"] if str(given).startswith("-") else ["-c", str(given)]
    if given := plain(config, "rootdir"):
        parts.append(f"--rootdir={given}")
    parts += written("backend", suite(config).backend.name)
    for name in ("image", "contract", "clock", "speed", "results"):
        given = getattr(config.option, f"lab_{name}")
        parts += written(name, given) if given is not None else []
    if config.option.lab_relayer_cmd is not None:
        command = relayer_command(config)
        # Evidence keeps no secrets: what is hidden is to be filled in again.
        parts += written("relayer-cmd", command.shown if command is not None else "")
    parts += ["--lab-go-on"] if config.option.lab_go_on else []
    return " ".join(map(_quoted, parts))


def names(node: pytest.Item) -> list[str]:
    """The test's name, after those of the classes around it."""
    return [
        ancestor.name
        for ancestor in node.listchain()
        if not isinstance(ancestor, (pytest.Session, pytest.Directory, pytest.File))
    ]


def leads_elsewhere(config: pytest.Config, path: Path) -> bool | None:
    """Whether a path is not on the way to the item of `--lab-item`; None without that option."""
    if (wanted := value(config, "item")) is None:
        return None
    here = config.invocation_params.dir
    while wanted.startswith("../"):
        here, wanted = here.parent, wanted[3:]
    return not f"{here}/{wanted}".startswith((f"{path}::", f"{str(path).rstrip('/')}/"))


def keep_item(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all but the item of `--lab-item`."""
    if (wanted := value(config, "item")) is None:
        return
    others = [item for item in items if _written(item) != wanted]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if _written(item) == wanted]


def _selected(node: pytest.Item) -> Sequence[str]:
    """The arguments that select a test, with its file as seen from the folder that pytest was started in."""
    path = _seen(node)
    if "[" not in path and "::" not in path:
        # An option begins with a dash, a file of arguments with an @.
        return [f"./{_written(node)}" if path.startswith(("-", "@")) else _written(node)]
    folder = next(str(parent) for parent in Path(path).parents if "[" not in str(parent) and "::" not in str(parent))
    return [f"./{folder}" if folder.startswith(("-", "@")) else folder, *written("item", _written(node))]


def _written(node: pytest.Item) -> str:
    return "::".join([_seen(node), *names(node)])


def _seen(node: pytest.Item) -> str:
    return os.path.relpath(node.path, node.config.invocation_params.dir)


def _quoted(word: str) -> str:
    """A word for a shell; what cannot be seen in print as the escapes of bash, ksh and zsh."""
    if word.isprintable():
        return shlex.quote(word)
    signs = (sign if sign.isprintable() and sign not in "\\'" else _escaped(sign) for sign in word)
    return f"$'{''.join(signs)}'"


def _escaped(sign: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(sign))
