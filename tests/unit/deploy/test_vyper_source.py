"""choose_version and import_closure: the compiler that a source wants, and the files that decide its bytecode."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.deploy.vyper_source import choose_version, find_search_paths, import_closure, installed_version, read_source
from lab.errors import CompileFailure


@pytest.mark.parametrize(
    ("pragma", "version"),
    [
        ("# @version 0.3.10", "0.3.10"),
        ("#@version ^0.3.7", "0.3.10"),
        ("# @version ~=0.3.7", "0.3.10"),
        ("# @version >=0.3.7,<0.3.10", "0.3.9"),
        ("# @version >=0.3.7 <0.3.10", "0.3.9"),
        ("# @version >= 0.3.7, <= 0.3.8", "0.3.8"),
        ("# @version ==0.3.7", "0.3.7"),
        ("# @version v0.3.8", "0.3.8"),
        ("#pragma version 0.4.1", "0.4.1"),
        ("# pragma version ~=0.4.0", "0.4.3"),
        ("# pragma version ^0.4.0  # any of the series", "0.4.3"),
        ("# @version >0.3.9", "0.4.3"),
        ("x: uint256  # @version 0.3.7", "0.4.3"),
        ("", "0.4.3"),
    ],
)
def test_the_pragma_chooses(pragma: str, version: str) -> None:
    """The installed compiler when it is admitted, else the newest known release."""
    assert installed_version() == "0.4.3"
    assert choose_version(Path("a.vy"), f"# a comment\n{pragma}\nx: uint256\n") == version


@pytest.mark.parametrize("spec", ["0.2.16", "^0.5.0", "<0.3.7", ">0.4.3"])
def test_an_unknown_release_is_refused(spec: str) -> None:
    """Where the pragma stands, what is known, and the way out."""
    with pytest.raises(CompileFailure) as caught:
        choose_version(Path("a.vy"), f"\n# @version {spec}\n")
    assert f"a.vy:2: no known compiler fits the version pragma: # @version {spec}" in str(caught.value)
    assert "0.3.10" in str(caught.value)


@pytest.mark.parametrize("spec", ["banana", "^", "0.4.x", "=>0.4"])
def test_a_malformed_pragma_is_quoted(spec: str) -> None:
    """The line as it stands."""
    with pytest.raises(CompileFailure, match=r"a\.vy:1: the version pragma is malformed"):
        choose_version(Path("a.vy"), f"# @version {spec}\n")


def test_the_closure_follows_every_form_of_import(tmp_path: Path) -> None:
    """Plain, dotted, from, relative, in parentheses, of an interface, and of a module that imports another."""
    (tmp_path / "pyproject.toml").touch()
    files = {
        "src/main.vy": "import one\nimport lib.two as two\nfrom lib import three, four\nfrom . import five\n"
        "from .. import six\nfrom lib.deep import (\n    seven,\n    eight as e, # why\n)\n"
        "from ethereum.ercs import IERC20\n",
        "src/one.vy": "import inner\n",
        "src/inner.vyi": "",
        "lib/two.vy": "from . import near\n",
        "lib/near.vy": "",
        "lib/three.vy": "",
        "lib/four.json": "[]",
        "src/five.vy": "import one\n",
        "six.vy": "",
        "lib/deep/seven.vy": "",
        "lib/deep/eight.vy": "",
        "src/unrelated.vy": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    main = tmp_path / "src/main.vy"
    found = import_closure(main, find_search_paths(main))
    assert found[0] == main
    assert {str(file.relative_to(tmp_path)) for file in found} == files.keys() - {"src/unrelated.vy"}


def test_a_cycle_of_imports_ends(tmp_path: Path) -> None:
    """The compiler will refuse it; reading it must not hang."""
    (tmp_path / "a.vy").write_text("import b\n")
    (tmp_path / "b.vy").write_text("import a\n")
    source = read_source(tmp_path / "a.vy")
    assert [name for name, _ in source.sources] == ["a.vy", "b.vy"]
