"""What a verifier compiles: the compiler's own bundle of sources, or the standard JSON of releases before 0.4.

A bundle names every source as seen from the project's root, with the search paths that imports need; leaving those out
is what most failed verifications of Vyper contracts come down to. `recompiled` is the local proof that it is enough.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import cbor2
from packaging.version import Version

from lab.bounded_files import UnfitFile, parse_json, write_atomically
from lab.chains.processes.python_child import python_command
from lab.deploy.text import read_text
from lab.deploy.vyper.failures import isolated_failure
from lab.deploy.vyper.isolated_compiler import run_isolated, ways_out
from lab.deploy.vyper.isolated_tool import run_tool
from lab.deploy.vyper.limited import DEADLINE_S, SMALLER, Ended, run_limited
from lab.deploy.vyper.source import VyperSource, installed_version, project_root
from lab.errors import CompileFailure, EnvironmentFailure
from lab.owner import temporary_directory

BUNDLES_FROM = (0, 4, 0)
_ONE_COMPILER = Lock()
OUTPUTS = ["abi", "evm.bytecode", "evm.deployedBytecode"]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A compiler's input. `path` and `name` are the contract's own; `version` is as verifiers write it."""

    standard_json: dict[str, Any] = field(repr=False)
    version: str
    path: str
    name: str

    @property
    def text(self) -> str:
        """The JSON as it is sent."""
        return json.dumps(self.standard_json)

    @property
    def number(self) -> str:
        """`0.4.3`."""
        return self.version.removeprefix("v").partition("+")[0]


def bundle_of(source: VyperSource) -> Bundle:
    """Raises CompileFailure, EnvironmentFailure."""
    if Version(source.compiler_version).release >= BUNDLES_FROM:
        made = _own_bundle(source)
        return Bundle(
            made, str(made["compiler_version"]), next(iter(made["settings"]["outputSelection"])), source.path.stem
        )
    return _by_hand(source)


def _own_bundle(source: VyperSource) -> dict[str, Any]:
    if source.compiler_version == installed_version():
        root = project_root(source.path)
        paths = [part for path in source.search_paths for part in ("-p", os.path.relpath(path, root))]
        words = ["-m", "vyper.cli.vyper_compile", "-f", "solc_json", *paths, os.path.relpath(source.path, root)]
        done = _run(python_command(*words), root)
    else:
        done = run_isolated(source, "solc_json")
    if done.returncode != 0:
        raise isolated_failure(source, done)
    try:
        made: dict[str, Any] = parse_json(done.stdout, f"{source.path}: the bundle")
        whole = bool(made["settings"]["outputSelection"]) and bool(made["compiler_version"])
    except (ValueError, KeyError, TypeError) as error:
        raise CompileFailure(f"{source.path}: expected a bundle of its sources from the compiler: {error}") from error
    if not whole:
        raise CompileFailure(f"{source.path}: expected a bundle of its sources, it names no contract or no compiler")
    return made


def _by_hand(source: VyperSource) -> Bundle:
    root = project_root(source.path)
    sources, interfaces = {}, {}
    for file in source.files:
        name = Path(os.path.relpath(file, root)).as_posix().replace("../", "")
        if file == source.path or file.suffix == ".vy":
            sources[name] = {"content": read_text(file)}
        if file != source.path:
            interfaces[name] = (
                {"abi": parse_json(read_text(file), file)} if file.suffix == ".json" else {"content": read_text(file)}
            )
    main = Path(os.path.relpath(source.path, root)).as_posix()
    number = source.compiler_version
    standard_json = {
        "language": "Vyper",
        "sources": {main: sources[main]},
        "interfaces": interfaces,
        "settings": {"outputSelection": {main: OUTPUTS}},
    }
    return Bundle(standard_json, f"v{_whole_version(number)}", main, source.path.stem)


def _whole_version(number: str) -> str:
    """With the commit, as the release says it of itself: `0.3.10+commit.91361694`."""
    done = _run_release(number, ["vyper", "--version"], Path.cwd())
    said = done.stdout.strip().split()
    return (
        said[-1].lstrip("v")
        if done.returncode == 0 and said and said[-1].startswith((number, f"v{number}"))
        else number
    )


@dataclass(frozen=True, slots=True)
class Code:
    """What compiling gave, as 0x hex."""

    creation: str = field(repr=False)
    runtime: str = field(repr=False)

    @property
    def immutables(self) -> int | None:
        """How many bytes of immutables stand behind the runtime code; None where the compiler does not say it.

        Vyper from 0.3.10 on does, at the end of the creation code: CBOR of `[hash of the sources,] length of the
        runtime code, [lengths of data], length of the immutables, {"vyper": ...}`, and its own length in two bytes.
        """
        code = bytes.fromhex(self.creation.removeprefix("0x"))
        try:
            *_, immutables, compiler = cbor2.loads(code[-int.from_bytes(code[-2:], "big") : -2])
        except (cbor2.CBORDecodeError, TypeError, ValueError):
            return None
        return (
            immutables if isinstance(immutables, int) and isinstance(compiler, dict) and "vyper" in compiler else None
        )


def recompiled(standard_json: dict[str, Any], number: str, path: str, name: str) -> Code:
    """Compile a bundle as a verifier does, in a process of its own; the same is compiled once.

    Raises CompileFailure, EnvironmentFailure.
    """
    given = dict(standard_json)
    given["settings"] = {**given.get("settings", {}), "outputSelection": {path: OUTPUTS}}
    with _ONE_COMPILER:
        return _recompiled(json.dumps(given, sort_keys=True), number, path, name)


@lru_cache(maxsize=16)
def _recompiled(text: str, number: str, path: str, name: str) -> Code:
    with temporary_directory("recompile") as folder:
        file = folder / "input.json"
        write_atomically(file, text)
        if number == installed_version():
            words = python_command("-c", "import vyper.cli.vyper_json as m; m._parse_cli_args()", str(file))
            done = _run(words, folder)
        else:
            done = _run_release(number, ["vyper-json", str(file)], folder)
    try:
        output = parse_json(done.stdout, "the compiler's output")
        if errors := [entry for entry in output.get("errors", []) if entry.get("severity") == "error"]:
            raise CompileFailure(f"vyper {number} does not compile the bundle: {errors[0].get('message', errors[0])}")
        evm = output["contracts"][path][name]["evm"]
        return Code(_hex(evm["bytecode"]["object"]), _hex(evm["deployedBytecode"]["object"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        said = done.stderr.strip()[-400:] or str(error)
        if done.beyond:
            raise CompileFailure(f"vyper {number} does not compile the bundle: {done.beyond}: {SMALLER}") from error
        if not done.stdout.strip() and "Traceback" not in done.stderr:
            raise _not_had(number, said) from error
        raise CompileFailure(f"vyper {number} does not compile the bundle: {said}") from error


def _not_had(number: str, said: str) -> EnvironmentFailure:
    return EnvironmentFailure(f"vyper {number} could not be run: {said.strip()[-400:]}\n{ways_out(number)}")


def _run_release(number: str, words: list[str], folder: Path) -> Ended:
    with _starting(number):
        return run_tool(f"vyper=={number}", words, vyper=number, folder=folder, timeout_s=5 * DEADLINE_S)


def _run(words: list[str], folder: Path) -> Ended:
    with _starting(installed_version()):
        return run_limited(
            words, folder=folder, environment=os.environ | {"PYTHONUTF8": "1"}, deadline_s=5 * DEADLINE_S
        )


@contextmanager
def _starting(number: str) -> Iterator[None]:
    """The system's errors of starting a compiler as EnvironmentFailure."""
    try:
        yield
    except UnfitFile as error:
        raise CompileFailure(f"what vyper {number} prints is too much: {SMALLER}") from error
    except subprocess.TimeoutExpired:
        raise EnvironmentFailure(f"vyper {number} did not end within {5 * DEADLINE_S:g} s") from None
    except OSError as error:
        raise EnvironmentFailure(f"vyper {number} cannot be run: {error.strerror or error}") from error


def _hex(code: str) -> str:
    return code if code.startswith("0x") else f"0x{code}"
