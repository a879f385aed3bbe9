"""What a contract's compiler says beside its output: its warnings, from a compilation of its own, never cached."""

from __future__ import annotations

import subprocess
import warnings

from lab.deploy.vyper_compilers import COMPILE_TIMEOUT_S, compile_failure, isolated_command
from lab.deploy.vyper_source import VyperSource, installed_version, project_root
from lab.errors import EnvironmentFailure


def compiler_warnings(source: VyperSource) -> list[str]:
    """One line a warning. Raises CompileFailure when the source is wrong, EnvironmentFailure without its compiler."""
    if source.compiler_version == installed_version():
        return _of_installed(source)
    try:
        done = subprocess.run(
            isolated_command(source, "bytecode"),
            capture_output=True,
            text=True,
            cwd=project_root(source.path),
            timeout=COMPILE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailure(f"vyper {source.compiler_version} cannot be run for {source.path}: {error}") from error
    if done.returncode != 0:
        raise compile_failure(source, done.stderr.strip() or "compilation failed")
    return [line.strip() for line in done.stderr.splitlines() if "warning" in line.lower()]


def _of_installed(source: VyperSource) -> list[str]:
    # Slow to import, and it ships no type information.
    from vyper.compiler import compile_from_file_input  # type: ignore[import-untyped]
    from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]
    from vyper.exceptions import VyperException  # type: ignore[import-untyped]

    bundle = FilesystemInputBundle(list(source.search_paths))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            compile_from_file_input(bundle.load_file(source.path), input_bundle=bundle, output_formats=["bytecode"])
        except VyperException as error:
            raise compile_failure(source, f"{type(error).__name__}: {error}") from error
    ours = [each for each in caught if "vyper" in type(each.message).__module__]
    # What follows the first line names the place by a path that depends on where the command was called.
    return [str(each.message).splitlines()[0].strip() for each in ours]
