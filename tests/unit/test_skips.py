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


def test_every_test_is_run_by_one_of_two_verbs() -> None:
    """`make test` leaves to `make torture` what carries its mark, wherever that stands; neither leaves out a folder."""
    recipes = re.findall(r"^(test|torture): .*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    words = {verb: shlex.split(re.sub(r"\$[({].*?[)}]", "", recipe)) for verb, recipe in recipes}
    chosen = {verb: recipe[recipe.index("-m") + 1] for verb, recipe in words.items()}
    assert chosen == {"test": "not reliability", "torture": "reliability"}
    for recipe in words.values():
        assert [word for word in recipe if word.startswith("tests/")] == ["tests/"]
