"""What a contract's compiler says beside its output: its warnings, from a compilation of its own, never cached."""

from __future__ import annotations

from lab.deploy.vyper.compilers import ask_installed
from lab.deploy.vyper.failures import isolated_failure
from lab.deploy.vyper.isolated_compiler import run_isolated
from lab.deploy.vyper.source import VyperSource, installed_version

# Python warns of what an old compiler uses of it, in the compiler's name: from C, or from its own modules.
_OWN = """
import sys, warnings
from importlib.metadata import entry_points

def warn(message, *rest, **more):
    if sys._getframe(1).f_globals.get("__name__", "").partition(".")[0] == "vyper":
        print("Warning:", *str(message).splitlines()[:1], file=sys.stderr)

warnings.warn, warnings.showwarning = warn, lambda *rest, **more: None
(vyper,) = entry_points(group="console_scripts", name="vyper")
sys.exit(vyper.load()())
"""


def compiler_warnings(source: VyperSource) -> list[str]:
    """One line a warning. Raises CompileFailure when the source is wrong, EnvironmentFailure without its compiler."""
    if source.compiler_version == installed_version():
        return ask_installed(source, ["bytecode"])[1]
    done = run_isolated(source, "bytecode", ["python", "-c", _OWN])
    if done.returncode != 0:
        raise isolated_failure(source, done)
    lines = [line.removeprefix("Warning:").strip() for line in done.stderr.splitlines() if line.startswith("Warning:")]
    return list(dict.fromkeys(lines))
