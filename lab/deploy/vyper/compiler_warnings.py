"""What a contract's compiler says beside its output: its warnings, from a compilation of its own, never cached."""

from __future__ import annotations

import warnings

from lab.deploy.vyper.compilers import compile_failure
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version


def compiler_warnings(source: VyperSource) -> list[str]:
    """One line a warning. Raises CompileFailure when the source is wrong, EnvironmentFailure without its compiler."""
    if source.compiler_version == installed_version():
        return _of_installed(source)
    done = run_isolated(source, "bytecode")
    if done.returncode != 0:
        raise compile_failure(source, done.stderr.strip() or "compilation failed")
    return [line.strip() for line in done.stderr.splitlines() if "warning" in line.lower()]


def _of_installed(source: VyperSource) -> list[str]:
    # Slow to import, and it ships no type information.
    from vyper.exceptions import VyperException  # type: ignore[import-untyped]

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile_installed(source.path, source.search_paths, ["bytecode"])
        except VyperException as error:
            raise compile_failure(source, f"{type(error).__name__}: {error}") from error
    ours = [warning for warning in caught if "vyper" in type(warning.message).__module__]
    # What follows the first line names the place by a path that depends on where the command was called.
    return [str(warning.message).splitlines()[0].strip() for warning in ours]
