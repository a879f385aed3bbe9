"""Runs the Vyper compiler that a source wants, within bounds: the installed one in a child, any other isolated."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.bounded_files import UnfitFile, parse_json
from lab.chains.processes.python_child import python_command
from lab.deploy.vyper.compiler_child import TREES
from lab.deploy.vyper.failures import compile_failure, ended_failure, isolated_failure
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.limited import DEADLINE_S, SMALLER, Ended, run_limited
from lab.deploy.vyper.source import VyperSource, installed_version
from lab.errors import CompileFailure, EnvironmentFailure


@dataclass(frozen=True, slots=True)
class CompilerOutput:
    """Both codes are 0x-prefixed hex; the runtime code has no immutables in it."""

    abi: list[dict[str, Any]]
    bytecode: str
    runtime_bytecode: str


def run_compiler(source: VyperSource) -> CompilerOutput:
    """Raises CompileFailure when the source is wrong, EnvironmentFailure when the compiler cannot be run."""
    if source.compiler_version == installed_version():
        formats = ["abi", "bytecode", "bytecode_runtime"]
        output, _ = ask_installed(source, formats)
        return CompilerOutput(*(output[name] for name in formats))
    return _run_other(source)


def installed_trees(source: VyperSource, files: Sequence[Path]) -> list[dict[str, Any]]:
    """The syntax tree of each file, as the installed compiler's JSON. Raises as `run_compiler`."""
    output, _ = ask_installed(source, [TREES], files)
    return list(output[TREES])


def ask_installed(
    source: VyperSource, formats: Sequence[str], files: Sequence[Path] = ()
) -> tuple[dict[str, Any], list[str]]:
    """The installed compiler's output by format, and its warnings, one line each. Raises as `run_compiler`."""
    request = {
        "paths": [str(file) for file in files or (source.path,)],
        "search_paths": [str(folder) for folder in source.search_paths],
        "formats": list(formats),
    }
    answer = ask_child(source, "lab.deploy.vyper.compiler_child", request)
    return answer["output"], answer["warnings"]


def ask_child(source: VyperSource, module: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a module of the lab that has the installed compiler read a source. Raises as `run_compiler`."""
    try:
        return _answer(source, run_limited(python_command("-m", module), given=json.dumps(request)))
    except subprocess.TimeoutExpired:
        raise CompileFailure(f"{source.path}: the compiler did not end within {DEADLINE_S:g} s: {SMALLER}") from None
    except UnfitFile as error:
        raise CompileFailure(f"{source.path}: what the compiler makes of it: {error.strerror}: {SMALLER}") from error
    except OSError as error:
        raise EnvironmentFailure(f"the compiler cannot be run for {source.path}: {error.strerror or error}") from error


def _answer(source: VyperSource, done: Ended) -> dict[str, Any]:
    if done.returncode != 0:
        raise ended_failure(source, done)
    answer: dict[str, Any] = parse_json(done.stdout, "its output")
    if "refused" in answer:
        raise compile_failure(source, str(answer["refused"]))
    if "failed" in answer:
        raise ended_failure(source, done) if done.beyond else compile_failure(source, answer["failed"], refused=False)
    return answer


def _run_other(source: VyperSource) -> CompilerOutput:
    done = run_isolated(source, "abi,bytecode,bytecode_runtime")
    if done.returncode != 0:
        raise isolated_failure(source, done)
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    try:
        abi_text, bytecode, runtime = lines
        return CompilerOutput(parse_json(abi_text, "its output"), bytecode, runtime)
    except ValueError as error:
        raise CompileFailure(
            f"{source.path}: vyper {source.compiler_version} printed {len(lines)} lines, expected ABI, bytecode and "
            "runtime bytecode on a line each; compile it yourself and give its artifact"
        ) from error
