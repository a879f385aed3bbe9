"""Compiles contracts of ours, in this process, where nothing hostile has to be kept in bounds.

The installed compiler is imported once, and its optimiser spares what it has seen; another release runs as it always
does.
"""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from packaging.version import Version

from lab.deploy.compile import CompiledContract, compile_contract
from lab.deploy.vyper import compiler_child
from lab.deploy.vyper.compilers import CompilerOutput, run_compiler
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.isolated_tool import find_uv, interpreter_for, newest_minor
from lab.deploy.vyper.limited import Ended, run_limited
from lab.deploy.vyper.source import VyperSource, installed_version, read_source
from lab.environment import cache_folder
from lab.explore.mutate import changes

# The last release before 0.4.0.
OLDER = "0.3.10"
FORMATS = ("abi", "bytecode", "bytecode_runtime")
ANSWERS = {module.__name__: module._answer for module in (compiler_child, changes)}


def no_older_python() -> str | None:
    """Why releases of the compiler before 0.4.0 cannot run on this machine, if they cannot."""
    newest = newest_minor(OLDER)
    if _is_there(interpreter_for(OLDER)):
        return None
    return f"no Python 3.10 to 3.{newest}, on which Vyper before 0.4.0 runs (apt install python3.{newest}, or pyenv)"


@cache
def _is_there(interpreter: str) -> bool:
    find = [find_uv(), "python", "find", "--no-python-downloads", "--no-project", interpreter]
    return subprocess.run(find, capture_output=True, check=False).returncode == 0


def compile_here(source: VyperSource) -> CompilerOutput:
    """ABI and code. Raises CompileFailure, or what the installed compiler raises.

    A test that wants a release that cannot run on this machine is skipped.
    """
    if source.compiler_version != installed_version():
        if Version(source.compiler_version) < Version("0.4.0") and (why := no_older_python()):
            pytest.skip(why)
        return run_compiler(source)
    with warnings.catch_warnings(), sparing():
        warnings.simplefilter("ignore")
        output = compile_installed(source.path, source.search_paths, FORMATS)
    return CompilerOutput(*(output[name] for name in FORMATS))


def answer_here(command: Sequence[str], *, given: str) -> Ended:
    """What a module of the lab that asks the installed compiler would answer in a process; any other program runs."""
    answer = ANSWERS.get(command[-1])
    return (
        Ended(0, compiler_child.answered(given, answer), "", started=True)
        if answer
        else run_limited(command, given=given)
    )


@contextmanager
def sparing() -> Iterator[None]:
    """After each change the optimiser looks through all that stands below it again, which is half of a compilation.

    What it has left alone, under a parent of the same kind, it would leave alone again.
    """
    from vyper.ir import optimizer  # type: ignore[import-untyped]  # with the compiler, which only some tests need

    whole = optimizer._optimize

    def sparing(node: Any, parent: Any) -> tuple[bool, Any]:
        above = None if parent is None else parent.value
        done = vars(node).setdefault("left_alone_under", set())
        if above in done:
            return False, node
        changed, result = whole(node, parent)
        if not changed:
            done.add(above)
        return changed, result

    with patch.object(optimizer, "_optimize", sparing):
        yield


def compile_now(path: Path) -> CompilerOutput:
    """From no cache."""
    return compile_here(read_source(path))


def compile_once(path: Path) -> CompiledContract:
    """From the user's cache, where commands that a test runs find it, too; compiled where it is not there yet."""
    return compile_contract(path, cache_dir=cache_folder() / "compiled", compiler=compile_here)
