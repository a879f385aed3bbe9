"""What the product has and no page says: commands, options, variables, files."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lab.paths import CHECKOUT, DOCS, PACKAGE
from tests.commands_page import page

assert CHECKOUT is not None
ROOT = CHECKOUT
FILES = (DOCS / "files.md").read_text(encoding="utf-8")
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|HOME|PATH|PYTHONPATH|WORKERS|COLUMNS")
READERS = ("get", "getenv", "pop")
# A loop over names, and what libraries read by themselves: no expression shows them.
INDIRECT = {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SAFE_API_KEY"}


def documented() -> set[str]:
    """The variables in the tables and the last paragraph of docs/files.md."""
    part = FILES[FILES.index("## Variables that are read") :]
    return {name for name in re.findall(r"`([A-Z_0-9]+)`", part) if VARIABLE.fullmatch(name)}


def variables(source: str) -> Iterator[str]:
    """Names that begin with LAB_, and those that are looked up in the environment."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and re.fullmatch(r"LAB_[A-Z][A-Z0-9_]*", str(node.value)):
            yield str(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            key = node.args[0]
            if node.func.attr in READERS and "environ" in ast.unparse(node.func) and isinstance(key, ast.Constant):
                yield str(key.value)
        elif isinstance(node, ast.Subscript) and "environ" in ast.unparse(node.value):
            yield from [str(key.value)] if isinstance(key := node.slice, ast.Constant) else []


@cache
def read_somewhere() -> set[str]:
    """Variables of the lab's sources, of its compose files, of the scenarios' and the tests' configuration."""
    sources = [path for path in PACKAGE.rglob("*.py") if "_data" not in path.parts]
    sources += [
        ROOT / "scenarios/conftest.py",
        ROOT / "tests/conftest.py",
        *(ROOT / "loadtests").glob("*.py"),
    ]
    texts = [text for path in sources if "LAB_" in (text := path.read_text(encoding="utf-8")) or "environ" in text]
    names = {name for text in texts for name in variables(text)}
    compose = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "compose").rglob("*.yml"))
    return names | set(re.findall(r"\$\{([A-Z_]+)", compose)) | {"LAB_TORTURE", "LAB_TORTURE_FIGURES"}


def test_commands_and_options_are_documented() -> None:
    """Else: `make docs`."""
    assert (DOCS / "commands.md").read_text(encoding="utf-8") == page()


def test_each_variable_is_documented() -> None:
    assert sorted(read_somewhere() - documented()) == []


def test_no_variable_is_made_up() -> None:
    assert sorted(documented() - read_somewhere() - INDIRECT) == []


def test_an_undocumented_variable_is_noticed() -> None:
    source = "import os\nos.environ['ONE_KEY']\nos.environ.get('TWO_KEYS')\nNAME = 'LAB_THREE'\n'LAB_PASS it is'\n"
    assert sorted(variables(source)) == ["LAB_THREE", "ONE_KEY", "TWO_KEYS"]


def test_each_page_is_linked_from_the_readme() -> None:
    """Who begins there finds everything."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT).as_posix() for path in sorted(DOCS.glob("*.md"))]
    assert [name for name in pages if f"({name}" not in readme] == []


def undocumented_files(folder: Path) -> list[str]:
    """The names in a run's or a session's folder that docs/files.md does not have."""
    names = {
        path.name for path in folder.iterdir() if not re.fullmatch(r".*-(wal|shm)", path.name) and "+" not in path.name
    }
    return sorted(name for name in names if f"`{name}`" not in FILES and f"`{name}/`" not in FILES)


def test_an_undocumented_file_is_noticed(tmp_path: Path) -> None:
    for name in ("history.jsonl", "logs", "relayer.sqlite-wal", "notes.txt"):
        (tmp_path / name).touch()
    assert undocumented_files(tmp_path) == ["notes.txt"]
