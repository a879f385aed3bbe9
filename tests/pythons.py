"""`make pythons`: the lab on every Python from 3.11 on that this machine has, installed from the lock each time.

`--short` runs what depends on the interpreter most: compilers, signing, sockets, processes, and one scenario of each
kind. Without it all unit tests and the whole library run. A version that is not here is named, not passed over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
SHORT = ("model", "scenario", "rpc", "coordinator", "deploy", "evidence", "chains/test_process.py", "test_plugin.py")
SCENARIOS = ("single_dependency", "parent_reorged", "relayer_killed", "real_clock", "test_keystore")


def interpreter(version: str) -> Path | None:
    """One of this version: on PATH, or among pyenv's."""
    on_path = [found] if (found := shutil.which(f"python{version}")) else []
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for path in (*map(Path, on_path), *sorted(pyenv.glob(f"{version}.*/bin/python3"))):
        # A shim of pyenv's is on PATH whether or not its version is the chosen one.
        asked = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                               capture_output=True, text=True, check=False)  # fmt: skip
        if asked.stdout.strip() == version:
            return path
    return None


def install(python: Path, folder: Path) -> Path:
    """An environment from the lock, with the lab as a checkout has it; its Python."""
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", python, folder], check=True)
    made = folder / "bin" / "python"
    pip: list[str | Path] = [uv, "pip", "install", "--quiet", "--python", made]
    subprocess.run([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--editable", ROOT], check=True)
    return made


def tried(python: Path, short: bool, workers: str) -> bool:
    """Whether unit tests and scenarios pass; all that they print is seen."""
    units = [f"tests/unit/{part}" for part in SHORT] if short else ["tests/unit"]
    chosen = ["-k", " or ".join(SCENARIOS)] if short else []
    command: list[str | Path] = [python, "-m", "pytest", "-q", "-n", workers, "--dist", "worksteal"]
    with tempfile.TemporaryDirectory() as results:
        scenarios = ["scenarios", *chosen, "--backend", "process", "--results", results]
        return all(subprocess.run([*command, *rest], cwd=ROOT, check=False).returncode == 0
                   for rest in (units, scenarios))  # fmt: skip


def main() -> int:
    """1 if any fails; what was not here is told at the end."""
    parser = argparse.ArgumentParser(prog="make pythons", description=__doc__)
    parser.add_argument("--short", action="store_true", help="the parts that depend on the interpreter most")
    parser.add_argument("--workers", default="logical", help="as pytest's -n")
    parser.add_argument("versions", nargs="*", help="such as 3.12; all without any")
    arguments = parser.parse_args()
    told = {}
    for version in arguments.versions or VERSIONS:
        python = interpreter(version)
        if python is None:
            told[version] = "not on this machine"
            continue
        print(f"\n=== Python {version}: {python}", flush=True)
        with tempfile.TemporaryDirectory(prefix=f"lab-python{version}-") as folder:
            try:
                made = install(python, Path(folder) / "venv")
            except subprocess.CalledProcessError:
                told[version] = "FAILED to install"
                continue
            told[version] = "passed" if tried(made, arguments.short, arguments.workers) else "FAILED"
    print("\n" + "\n".join(f"Python {version}  {outcome}" for version, outcome in told.items()))
    return 1 if any(outcome.startswith("FAILED") for outcome in told.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
