"""What a machine lacks is told once, and CI misses nothing that was left out for it."""

from __future__ import annotations

import re
import runpy
import shlex
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
TESTS = """
import pytest

def test_a_container(image): pass
def test_an_engine(engine): pass
@pytest.mark.docker
def test_marked(): pass
def test_nothing_needed(): pass
"""


def test_what_is_missing_is_one_line(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """By fixture or by mark, each test is selected and skipped; the line says how many and what to do."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers =\n    docker\n    browser\n    load\n    real_clock\n")
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_inprocess("--strict-markers", "-m", "docker")

    result.assert_outcomes(skipped=3, deselected=1)
    (told,) = [line for line in result.outlines if " skipped: " in line]
    assert told.startswith("3 skipped: no Docker engine (start one with")


def junit(path: Path, **cases: str | None) -> str:
    """A file of tests, each with the reason for which it was skipped, if it was."""
    told = [
        f'<testcase classname="t" name="{name}">' + (f'<skipped message="{why}"/>' if why else "") + "</testcase>"
        for name, why in cases.items()
    ]
    path.write_text(f"<testsuites><testsuite>{''.join(told)}</testsuite></testsuites>")
    return str(path)


@pytest.mark.parametrize(
    ("without", "with_engine", "told"),
    [
        ({"a": None, "b": "no Docker engine"}, {"b": None}, ""),
        ({"a": None, "b": "no Docker engine"}, {"a": None}, "and not run with it: t::b"),
        ({"a": None, "b": "no Docker engine"}, {"b": "no image"}, "skipped with an engine: t::b: no image"),
        ({"a": "no Chromium", "b": "no Docker engine"}, {"a": None, "b": None}, "not for its sake: t::a: no Chromium"),
        ({"a": None}, {"a": None}, "nothing was skipped without an engine"),
    ],
)
def test_ci_misses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], without: dict[str, str | None],
    with_engine: dict[str, str | None], told: str,
) -> None:  # fmt: skip
    """Between the run without an engine and the one with it every test ran, or CI says which did not."""
    main = runpy.run_path(str(ROOT / ".ci" / "both_ran.py"))["main"]

    code = main(junit(tmp_path / "1.xml", **without), junit(tmp_path / "2.xml", **with_engine))

    assert code == bool(told)
    assert told in capsys.readouterr().out


def test_ci_misses_nothing_of_either_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `make detection` skipped has to run with an engine as what `make test` did."""
    main = runpy.run_path(str(ROOT / ".ci" / "both_ran.py"))["main"]
    without = junit(tmp_path / "1.xml", a=None, b="no Docker engine")
    detection = junit(tmp_path / "2.xml", c=None, d="no Docker engine")

    assert main(without, detection, junit(tmp_path / "3.xml", b=None)) == 1
    assert "and not run with it: t::d" in capsys.readouterr().out
    assert main(without, detection, junit(tmp_path / "4.xml", b=None, d=None)) == 0
    assert "2 tests ran without an engine; 2 need it" in capsys.readouterr().out


VERBS = ("test", "detection", "torture")


def recipes() -> dict[str, list[str]]:
    """The words of each verb that runs tests, but for what make puts in."""
    found = re.findall(rf"^({'|'.join(VERBS)}): .*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    return {verb: shlex.split(re.sub(r"\$[({].*?[)}]", "", recipe)) for verb, recipe in found}


MARKED = """
import pytest

def test_none(): pass
@pytest.mark.load
def test_of_another(): pass
@pytest.mark.detection
def test_detection(): pass
@pytest.mark.reliability
def test_reliability(): pass
@pytest.mark.detection
@pytest.mark.reliability
def test_both(): pass
"""


def test_every_test_is_run_by_one_verb(pytester: pytest.Pytester) -> None:
    """Whatever marks it carries, one of the three chooses it, and none of the others."""
    pytester.makeini("[pytest]\nmarkers =\n    detection\n    load\n    reliability\n")
    pytester.makepyfile(MARKED)
    ran = dict[str, set[str]]()
    for verb, recipe in recipes().items():
        lines = pytester.runpytest_inprocess("-v", "-m", recipe[recipe.index("-m") + 1]).outlines
        ran[verb] = {found[1] for line in lines if (found := re.search(r"::test_(\w+) PASSED", line))}
    assert ran == {
        "test": {"none", "of_another"},
        "detection": {"detection"},
        "torture": {"reliability", "both"},
    }


def modules_with(mark: str) -> set[Path]:
    """Modules of tests all of whose tests carry the mark."""
    line = re.compile(rf"^pytestmark = .*\bmark\.{mark}\b", re.MULTILINE)
    return {path for path in (ROOT / "tests").rglob("test_*.py") if line.search(path.read_text(encoding="utf-8"))}


def test_no_verb_passes_over_a_folder_with_tests_of_its_mark() -> None:
    """Each looks through all of tests/ but for folders in which nothing is for it."""
    tests, folders = ROOT / "tests", recipes()
    assert [word for word in folders["torture"] if word.startswith("tests/")] == ["tests/"]
    assert [word for word in folders["test"] if "tests/" in word] == ["tests/", "--ignore=tests/reliability"]
    assert [word for word in folders["detection"] if word.startswith("tests/")] == ["tests/detection"]
    assert modules_with("reliability") >= set((tests / "reliability").rglob("test_*.py"))
    named = {path for path in tests.rglob("test_*.py") if "mark.detection" in path.read_text(encoding="utf-8")}
    assert named - {Path(__file__)} == modules_with("detection")
    assert all(path.is_relative_to(tests / "detection") for path in modules_with("detection"))
