"""Compiles contracts of ours, in this process, where nothing hostile has to be kept in bounds.

The installed compiler is imported once; another release runs as it always does.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from lab.deploy.compile import CompiledContract, compile_contract
from lab.deploy.vyper.compilers import CompilerOutput, run_compiler
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.source import VyperSource, installed_version, read_source
from lab.environment import cache_folder

FORMATS = ("abi", "bytecode", "bytecode_runtime")


def compile_here(source: VyperSource) -> CompilerOutput:
    """ABI and code. Raises CompileFailure, or what the installed compiler raises."""
    if source.compiler_version != installed_version():
        return run_compiler(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        output = compile_installed(source.path, source.search_paths, FORMATS)
    return CompilerOutput(*(output[name] for name in FORMATS))


def compile_now(path: Path) -> CompilerOutput:
    """From no cache."""
    return compile_here(read_source(path))


def compile_once(path: Path) -> CompiledContract:
    """From the user's cache, where commands that a test runs find it, too; compiled where it is not there yet."""
    return compile_contract(path, cache_dir=cache_folder() / "compiled", compiler=compile_here)
