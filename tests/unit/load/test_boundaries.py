"""Importing Locust patches sockets: only Locust's own files do it. And what the documentation shows is true."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lab
from lab.load.profile.profile import load_profile, profile_names
from lab.paths import LOADTESTS
from tests.sources import nodes

ROOT = Path(lab.__file__).parent.parent
LOCUST_FILES = {"lab/load/generator/locust_main.py", "lab/load/generator/user.py"}
GEVENT_FILES = {f"lab/load/generator/{name}.py" for name in ("chain", "driver", "user", "wire")}


def imported(node: ast.AST) -> set[str]:
    """The packages that a statement imports from."""
    names = {alias.name for alias in node.names} if isinstance(node, ast.Import) else set()
    names |= {node.module} if isinstance(node, ast.ImportFrom) and node.module else set()
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize(
    ("packages", "allowed"), [({"locust"}, LOCUST_FILES), ({"gevent", "geventhttpclient"}, GEVENT_FILES)]
)
def test_who_imports_what_patches_sockets(packages: set[str], allowed: set[str]) -> None:
    """Nothing of the lab that other parts import."""
    found = {f"lab/{path}" for path, node in nodes("|".join(packages)) if packages & imported(node)}
    assert found == allowed


def test_the_command_does_not_load_locust() -> None:
    """Not even what `lab load` itself needs."""
    code = "import sys, lab.commands.load.actions; print([m for m in ('locust', 'gevent') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_documented_profile_is_one(tmp_path: Path) -> None:
    """The example of docs/load.md reads as it stands."""
    text = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    path = tmp_path / "example.yaml"
    path.write_text(example, encoding="utf-8")
    profile = load_profile(str(path))
    assert (profile.has_flows, profile.criteria.inclusion_ms_max) == (True, 3000)


def test_the_documentation_names_every_profile() -> None:
    """A reader finds each in docs/load.md."""
    text = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
    assert [name for name in profile_names() if not re.search(rf"\b{name}\b", text)] == []


@pytest.mark.parametrize("name", ["buffer", "flow", "locustfile", "mixed", "payloads"])
def test_a_folder_named_lab_is_not_this_one(tmp_path: Path, name: str) -> None:
    """Locust puts the folder it is started in before everything else."""
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "__init__.py").write_text("raise RuntimeError('the wrong lab')")
    command = [str(Path(sys.executable).with_name("locust")), "-f", str(LOADTESTS / f"{name}.py"), "--list"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert "StreamUser" in done.stdout, done.stderr
