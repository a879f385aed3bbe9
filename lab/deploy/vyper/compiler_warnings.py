"""What a contract's compiler says beside its output: its warnings, from a compilation of its own, never cached."""

from __future__ import annotations

from lab.deploy.vyper.compilers import ask_installed
from lab.deploy.vyper.failures import isolated_failure
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version


def compiler_warnings(source: VyperSource) -> list[str]:
    """One line a warning. Raises CompileFailure when the source is wrong, EnvironmentFailure without its compiler."""
    if source.compiler_version == installed_version():
        return ask_installed(source, ["bytecode"])[1]
    done = run_isolated(source, "bytecode")
    if done.returncode != 0:
        raise isolated_failure(source, done)
    return [line.strip() for line in done.stderr.splitlines() if "warning" in line.lower()]
