"""Which files pytest and `lab lint` take for scenarios, in a project of the user's."""

from __future__ import annotations

import pytest

from lab.commands.lint import lint_paths
from lab.errors import UsageError
from tests.unit.pytest_project import GOOD, listed, run_pytest, write
from tests.unit.pytest_project import project as project

pytest_plugins = ["pytester"]

PROFILE = "extends: ethereum\nname: slow\ntitle: Slow\nblock_time_ms: 24_000\n"
OTHERS = {
    "suite/slow.yaml": PROFILE,
    "suite/workflow.yml": "name: CI\non: push\njobs: {}\n",
    "suite/compose.yaml": "name: c\nservices: {}\nnetworks: {}\n",
    "suite/pods.yaml": "apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n",
    "suite/empty.yaml": "",
    "suite/broken.yaml": "a: [\n",
    ".hidden/pays.yaml": GOOD,
    "node_modules/pays.yaml": GOOD,
    "results/swarm/7.yaml": GOOD,
}


@pytest.fixture
def mixed(project: pytest.Pytester) -> pytest.Pytester:
    """Three scenarios, one of them a link, between files of all sorts."""
    for name, text in OTHERS.items():
        write(project, name, text)
    (project.path / "suite" / "binary.yaml").write_bytes(b"\0\xff" * 100)
    write(project, "suite/deep/pays.yml", GOOD + "matrix:\n  seed: [1, 2]\n")
    write(project, "elsewhere/pays.yaml", GOOD)
    (project.path / "suite" / "link.yaml").symlink_to("../elsewhere/pays.yaml")
    return project


def collected(project: pytest.Pytester, *args: str) -> list[str]:
    """The ids, in order."""
    return sorted(listed(project.runpytest_inprocess("--collect-only", "-q", *args)))


def test_what_is_collected(mixed: pytest.Pytester) -> None:
    """What is a scenario by its content, in any folder, each combination of its matrix; nothing else."""
    deep = [f"suite/deep/pays.yml::pays[seed={seed}]" for seed in (1, 2)]
    assert collected(mixed) == ["elsewhere/pays.yaml::pays", *deep, "suite/link.yaml::link"]
    assert collected(mixed, "suite", "-k", "not 1") == [deep[1], "suite/link.yaml::link"]
    assert not (mixed.path / "results" / "latest").exists()


def test_results_are_collected_when_they_are_asked_for(mixed: pytest.Pytester) -> None:
    """A case that a swarm shrank is a scenario like any other."""
    assert collected(mixed, "results/swarm") == ["results/swarm/7.yaml::7"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("suite/slow.yaml", "expected a scenario, got a network profile (keys extends, name"),
        ("suite/workflow.yml", "got a CI workflow"),
        ("suite/empty.yaml", "got an empty file"),
        ("suite/binary.yaml", "got a binary file"),
        ("suite/broken.yaml", "got something else (keys a)"),
    ],
)
def test_a_file_that_is_named_and_is_none(mixed: pytest.Pytester, name: str, words: str) -> None:
    """An error that says what it seems to be."""
    result = mixed.runpytest_inprocess(name)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    text = result.stdout.str()
    assert f"{name}: " in text
    assert words in text
    assert "Traceback" not in text
    assert not (mixed.path / "results" / "latest").exists()


def test_what_another_plugin_collects_is_left_to_it(project: pytest.Pytester) -> None:
    """Also by name, and also where it looks like a broken scenario."""
    write(project, "test_it.yaml", "name: n\ndescription: d\ntimeline: []\n")
    project.makeconftest(
        """
        import pytest

        class Item(pytest.Item):
            def runtest(self): pass

        class File(pytest.File):
            def collect(self):
                yield Item.from_parent(self, name="mine")

        def pytest_collect_file(parent, file_path):
            if file_path.suffix == ".yaml":
                return File.from_parent(parent, path=file_path)
        """
    )
    for args in ([], ["test_it.yaml"]):
        result = project.runpytest_inprocess(*args)
        result.assert_outcomes(passed=1)
        assert "not collected" not in result.stdout.str()


def test_what_may_have_been_meant_is_told_in_a_line(project: pytest.Pytester) -> None:
    """A scenario without most of its parts does not vanish without a word."""
    write(project, "suite/lost.yaml", "name: n\ndescription: d\ntimeline: []\n")
    project.makepyfile("def test_one(): pass")
    result = project.runpytest_inprocess()
    result.assert_outcomes(passed=1)
    (line,) = [line for line in result.outlines if "lost.yaml" in line]
    assert "not collected: suite/lost.yaml: a scenario with parts missing (keys name, description, timeline)" in line


def test_lint_follows_the_same_rule(mixed: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder's scenarios; a file that is named and is none is one sentence; a folder without any is an error."""
    assert lint_paths([mixed.path / "suite"]) == 0
    assert "2 files, 3 runs: no problems" in capsys.readouterr().err
    assert lint_paths([mixed.path / "suite" / "slow.yaml"]) == 2
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("slow.yaml:1:1: expected a scenario, got a network profile (keys extends, name, title, block_time_ms)")  # fmt: skip  # noqa: E501
    (mixed.path / "none").mkdir()
    (mixed.path / "none" / "slow.yaml").write_text(PROFILE)
    with pytest.raises(UsageError, match="found none, but 1 other YAML file"):
        lint_paths([mixed.path / "none"])


HEAVY = ("pydantic", "yaml", "web3", "docker", "greenlet", "vyper", "locust", "rich", "jinja2", "psutil", "eth_abi")


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize("yaml", [True, False])
def test_other_projects_do_not_pay(project: pytest.Pytester, yaml: bool) -> None:
    """Where no scenario is collected, nothing of what a run needs is imported, and nothing is written or said."""
    if yaml:
        for name, text in OTHERS.items():
            if "/pays" not in name and "results" not in name:
                write(project, name, text)
    project.makepyfile(
        f"""
        import sys

        def test_what_is_loaded():
            heavy = [name for name in {HEAVY!r} if name in sys.modules]
            assert heavy == []
            own = {{name for name in sys.modules if name.split(".")[0] == "lab"}}
            own -= {{name for name in own if name.startswith("lab.plugin")}}
            assert own <= {{"lab", "lab.errors", "lab.model", "lab.model.run_names", "lab.paths", "lab.scenario",
                           "lab.scenario.finding", "lab.scenario.kind"}}
            assert ("lab.scenario.kind" in own) == {yaml}
        """
    )
    others = [f"-pno:{name}" for name in ("asyncio", "cov", "html", "xdist", "locust", "hypothesispytest", "anyio")]
    result = project.runpytest_subprocess(*others)
    result.assert_outcomes(passed=1)
    assert "esseract" not in result.stdout.str().replace("plugins: ", "").partition("collected")[2]
    assert not (project.path / "results").exists()


def test_a_folder_called_scenarios_is_no_scenario(project: pytest.Pytester) -> None:
    """Tests of somebody else's in such a folder get no reports of the lab's."""
    write(project, "scenarios/test_one.py", "def test_one(): pass\n")
    project.runpytest_inprocess("scenarios").assert_outcomes(passed=1)
    assert not (project.path / "results").exists()


def test_a_file_that_cannot_be_read(mixed: pytest.Pytester) -> None:
    """Beside scenarios it is named: it may have been one."""
    write(
        mixed,
        "conftest.py",
        """
        import builtins

        opened = builtins.open

        def refused(name, *args, **kwargs):
            if str(name).endswith("compose.yaml"):
                raise PermissionError(13, "Permission denied", str(name))
            return opened(name, *args, **kwargs)

        builtins.open = refused
        """.replace("\n        ", "\n"),
    )
    result = run_pytest(mixed, "--collect-only", "suite")
    told = "not collected: suite/compose.yaml: a file that cannot be read (Permission denied)"
    assert told in result.stdout.str()
