"""The lab's options, under names that no other plugin has: `--lab-backend`, or `lab_backend` in pytest's configuration.

The short spelling (`--backend`) is no option of the lab's. It is turned into the long one before pytest reads the
command line for good, and only where no other plugin and no conftest.py has an option of that name.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from lab.errors import UsageError
from lab.paths import expand_user

PREFIX = "lab-"


class Option(NamedTuple):
    """An option. A `path` is as seen from the working folder, or from the configuration file; a `flag` has no value."""

    name: str
    help: str
    default: str | None = None
    choices: tuple[str, ...] | None = None
    path: bool = False
    flag: bool = False


OPTIONS = (
    Option("backend", "where the nodes run", "auto", ("auto", "process", "docker")),
    Option("image", "node image of the docker backend (or LAB_IMAGE)"),
    Option("contract", "contract under test: .vy, artifact, or FILE:NAME", path=True),
    Option("clock", "override the scenarios' clock", choices=("virtual", "real")),
    Option("speed", "with the real clock: seconds of chain time in one of the wall's (1 to 50)"),
    Option("relayer-cmd", "command of the relayer under test; {session} or LAB_SESSION is the session file"),
    Option("library", "run the lab's own library of scenarios", flag=True),
    Option("go-on", "run scenarios even if a core operation of the contract always fails", flag=True),
    Option("item", "of what is named, run this item alone: PATH::NAME, as the command that repeats a failure has it"),
    Option("results", "folder for evidence and reports", "results", path=True),
)
_BY_NAME = {option.name: option for option in OPTIONS}
# Options of pytest's own with which it runs no item.
SHOWS = (
    "collectonly",
    "setuponly",
    "setupplan",
    "showfixtures",
    "show_fixtures_per_test",
    "markers",
    "cacheshow",
    "help",
)


def add_options(parser: pytest.Parser) -> None:
    """Register the long names, and the same for configuration files."""
    group = parser.getgroup(
        "tesseract-lab", "Tesseract Lab (--backend for --lab-backend, where no other plugin has it)"
    )
    for option in OPTIONS:
        if option.flag:
            group.addoption(f"--{PREFIX}{option.name}", dest=_key(option.name), action="store_true", help=option.help)
            continue
        group.addoption(
            f"--{PREFIX}{option.name}", dest=_key(option.name), choices=option.choices, default=None, help=option.help
        )
        parser.addini(_key(option.name), option.help, default=None)


def value(config: pytest.Config, name: str) -> str | None:
    """An option's value: the command line's, else the configuration's, else the default. Raises UsageError."""
    option = _BY_NAME[name]
    given = getattr(config.option, _key(name), None)
    if given is None:
        given = config.getini(_key(name))
        if given is not None and option.choices is not None and given not in option.choices:
            known = ", ".join(option.choices)
            raise UsageError(f"{config.inipath}: {_key(name)}: expected one of {known}, got {given!r}")
        if given and option.path and config.inipath is not None:
            return str(config.inipath.parent / expand_user(given))
    return given if given is not None else option.default


def path_value(config: pytest.Config, name: str) -> Path | None:
    """The same as a path; one below the working folder as it is seen from there."""
    given = value(config, name)
    return expand_user(given) if given else None


def written(name: str, text: str) -> list[str]:
    """An option as the words of a command line, in the spelling that always means the lab."""
    return [f"--{PREFIX}{name}={text}"] if text.startswith(("-", "@")) else [f"--{PREFIX}{name}", text]


def translate(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Iterator[None]:
    """Around the loading of conftest.py files: short names in `args` become long ones, where they are nobody else's.

    It is done before, since pytest would take a value (`--contract other/Mine.vy`) for a path whose conftest.py counts,
    and looked at again after, since a conftest.py can have options of its own.
    """
    given = list(args)
    before = _unclaimed(parser, args)
    args[:] = _spelled(args, before)
    if args != given:
        confcutdir = early_config.known_args_namespace.confcutdir
        with suppress(pytest.UsageError):  # the same error comes again, when pytest reads the command line for good
            early_config.known_args_namespace = parser.parse_known_args(args, namespace=copy.copy(early_config.option))
            early_config.known_args_namespace.confcutdir = confcutdir
    yield
    claimed = before - _unclaimed(parser, given)
    args[:] = [word.short if isinstance(word, _Spelled) and _short(word.short) in claimed else word for word in args]


def _unclaimed(parser: pytest.Parser, args: Sequence[str]) -> frozenset[str]:
    """Those of the short names in use that are no plugin's option."""
    used = {name for word in args if (name := _short(word)) is not None}
    return frozenset(name for name in used if not _claimed(parser, name))


def _claimed(parser: pytest.Parser, name: str) -> bool:
    try:
        return f"--{name}=x" not in parser.parse_known_and_unknown_args([f"--{name}=x"])[1]
    except (Exception, SystemExit):
        return True  # whatever an option does with this value, it is there


def _short(word: str) -> str | None:
    name = word.partition("=")[0].removeprefix("--")
    return name if word.startswith("--") and name in _BY_NAME else None


class _Spelled(str):
    """A word of the command line in the long spelling, which knows the short one that it was given in."""

    short: str

    def __new__(cls, short: str) -> _Spelled:
        word = super().__new__(cls, f"--{PREFIX}{short[2:]}")
        word.short = short
        return word


def _spelled(args: Sequence[str], names: Collection[str]) -> list[str]:
    words, end = list(args), args.index("--") if "--" in args else len(args)
    return [_Spelled(word) if _short(word) in names else word for word in words[:end]] + words[end:]


def _key(name: str) -> str:
    return f"{PREFIX}{name}".replace("-", "_")


def runs_nothing(config: pytest.Config) -> bool:
    """Whether pytest was asked to show something: no item runs, so nothing is written or started."""
    return any(plain(config, name) for name in SHOWS)


def plain(config: pytest.Config, name: str) -> Any:
    """An option of another plugin's, None where that plugin is switched off."""
    return getattr(config.option, name, None)
