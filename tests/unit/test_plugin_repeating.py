"""The command that a failure prints runs that item again and nothing else, wherever it was printed."""

from __future__ import annotations

import subprocess

import pytest

from .pytest_project import BAD, project, run_pytest, write

__all__ = ["project"]

pytest_plugins = ["pytester"]

VAIN = BAD + "matrix:\n  seed: [1, 11]\n"
PYTHON = f"""
import pytest

class TestIt:
    @pytest.mark.parametrize("value", ["a::b", "a[1]", "a[11]", "a b", "it's", 'a "b"', "\u00fc/..", "-k", "a", "aa"])
    def test_it(self, lab_run, value):
        lab_run('''{BAD.partition("timeline")[0]}''', lambda script: None)
"""
# No node is needed to see which test a command picks.
CONFTEST = """
from types import SimpleNamespace

from lab.plugin import items, sharing

class Backend:
    name = "process"

class Suite:
    backend = Backend()
    under_test = SimpleNamespace(line="the reference")
    contract_lines = close = lambda self: []

def pytest_configure(config):
    config.stash[sharing.SUITE] = Suite()

def carry_out(node, item, siblings, play=None, *, wall=False):
    raise items.ScenarioFailure("repeat it\\n  " + items.repeating(node) + "\\nitself\\n  " + ascii(node.nodeid))

items.carry_out = carry_out
"""
# Folders and files with brackets, colons, quotes, dashes, other scripts, and what cannot be seen.
PLACES = (
    "deep er/vain",
    "a[1] b/deep/vain",
    "a[1] b/vain",
    "a[1] b/vain[seed=1]",
    "c::d/va\"i'n",
    ".hidden/x[1]/vain",
    "@at/vain",
    "../-odd/vain",
    "c::d/v\u00e4in \u200b\\n",
    "a[1] b/a\nb",
)


def told(result: pytest.RunResult, what: str) -> list[str]:
    """The lines that follow these words; a CI server's summary has them once more."""
    lines = [line.strip() for line in result.outlines]
    ends = [at for at, line in enumerate(lines) if "short test summary info" in line]
    lines = lines[: ends[0]] if ends else lines
    return [lines[at + 1] for at, line in enumerate(lines) if line == what]


def words(command: str) -> list[str]:
    """A command's words, as a shell reads them."""
    printed = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True)
    return printed.stdout.decode().split("\0")[:-1]


@pytest.mark.parametrize(
    ("start", "args"),
    [
        ("suite/deep er", ["vain.yaml"]),
        ("suite/deep er", ["."]),
        ("", ["-c", "conf/pytest.ini", "suite/deep er"]),
        ("conf", ["-c-odd.ini", "--results=-x", "../suite/deep er/vain.yaml::vain[seed=1]"]),
        ("conf", ["-c", "pytest.ini", "--rootdir", "..", "../suite/deep er/vain.yaml::vain[seed=11]"]),
        ("suite", ["link"]),
        ("", ["suite/@at", "./-odd"]),
        ("-odd", ["."]),
        ("suite/@at", ["."]),
        ("suite", ["."]),
        ("suite/a[1] b", ["."]),
        ("suite/.hidden", ["."]),
        ("suite/a[1] b/deep", [".."]),
    ],
)
def test_it_repeats_one_item_where_it_was_printed(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, start: str, args: list[str]
) -> None:
    """Whatever folder, file and parameter are called, through links, with the configuration elsewhere."""
    for place in PLACES:
        write(project, f"suite/{place}.yaml", VAIN)
    write(project, "suite/a[1] b/test_it[x].py", PYTHON)
    # Collected, it would end the session.
    write(project, "suite/c::d/deep/test_broken.py", "assert False\n")
    for name in ("pytest.ini", "-odd.ini"):
        write(project, f"conf/{name}", "[pytest]\naddopts = -ra\n")
    write(project, "tox.ini", "[pytest]\n")
    (project.path / "suite" / "link").symlink_to("deep er")
    project.makeconftest(CONFTEST)
    monkeypatch.setenv("LAB_ANVIL", "/nonexistent/anvil")
    monkeypatch.setenv("PYTHONPATH", str(project.path))
    monkeypatch.syspath_prepend(project.path)
    monkeypatch.chdir(project.path / start)
    always = ["--confcutdir", str(project.path), "-p", "no:cacheprovider", "-p", "conftest"]
    first = run_pytest(project, *args, *always, "--continue-on-collection-errors")
    commands, items = told(first, "repeat it"), told(first, "itself")
    assert len(set(commands)) == len(commands) > 0
    for command, itself in zip(commands, items, strict=True):
        again = run_pytest(project, *words(command)[1:], *always)
        assert told(again, "repeat it") == [command], itself
        assert "error" not in again.parseoutcomes(), itself
