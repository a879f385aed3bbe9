"""Compiles contracts of ours, from no cache: in this process, where nothing hostile has to be kept in bounds."""

from __future__ import annotations

from pathlib import Path

from lab.deploy.vyper.compilers import CompilerOutput, run_compiler
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.source import installed_version, read_source

FORMATS = ("abi", "bytecode", "bytecode_runtime")


def compile_now(path: Path) -> CompilerOutput:
    """ABI and code. The installed compiler is imported once; another release runs as it always does.

    Raises CompileFailure, or what the installed compiler raises.
    """
    source = read_source(path)
    if source.compiler_version != installed_version():
        return run_compiler(source)
    output = compile_installed(source.path, source.search_paths, FORMATS)
    return CompilerOutput(*(output[name] for name in FORMATS))
