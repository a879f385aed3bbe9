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


def test_an_older_compiler_that_nothing_runs(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a test is marked or comes upon such a contract; the release that is installed is never missing."""
    monkeypatch.setattr("tests.compiling.interpreter_for", lambda _: ">=3.98,<3.99")
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers =\n    older_vyper\n    load\n    real_clock\n")
    pytester.makepyfile(
        f"""
        from pathlib import Path
        import pytest
        from tests.compiling import compile_once, compile_now
        PLAIN = Path({str(ROOT / "contracts/plain")!r})

        @pytest.mark.older_vyper
        def test_marked(): pass
        def test_met(): compile_now(PLAIN / "LegacyCoordinator.vy")
        def test_installed(): compile_once(PLAIN / "PlainCoordinator.vy")
        """
    )

    result = pytester.runpytest_inprocess()

    result.assert_outcomes(skipped=2, passed=1)
    (told,) = [line for line in result.outlines if " skipped: " in line]
    assert told.startswith("2 skipped: no Python 3.10 to 3.13, on which Vyper before 0.4.0 runs")


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
    """What `make judge` skipped has to run with an engine as what `make test` did."""
    main = runpy.run_path(str(ROOT / ".ci" / "both_ran.py"))["main"]
    without = junit(tmp_path / "1.xml", a=None, b="no Docker engine")
    detection = junit(tmp_path / "2.xml", c=None, d="no Docker engine")

    assert main(without, detection, junit(tmp_path / "3.xml", b=None)) == 1
    assert "and not run with it: t::d" in capsys.readouterr().out
    assert main(without, detection, junit(tmp_path / "4.xml", b=None, d=None)) == 0
    assert "2 tests ran without an engine; 2 need it" in capsys.readouterr().out


VERBS = ("test", "judge", "torture")


def recipes() -> dict[str, list[str]]:
    """The words of each verb that say which tests it runs."""
    found = re.findall(rf"^({'|'.join(VERBS)}): .*\n\t(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    words = {verb: shlex.split(re.sub(r"\$[({].*?[)}]", "", recipe)) for verb, recipe in found}
    chosen = {verb: [word for word in recipe if "tests/" in word] for verb, recipe in words.items()}
    return {verb: [*chosen[verb], "-m", recipe[recipe.index("-m") + 1]] for verb, recipe in words.items()}


PLACES = ("tests", "tests/unit", "tests/detection", "tests/detection/correct", "tests/reliability")


def test_every_test_is_run_by_one_verb(pytester: pytest.Pytester) -> None:
    """Wherever it stands, marked for `make torture` or not: one of the three runs it, and none of the others."""
    pytester.makeini("[pytest]\nmarkers =\n    reliability\n")
    for place in PLACES:
        for mark in ("", "@pytest.mark.reliability\n"):
            name = f"test_{place.replace('/', '_')}{'_marked' if mark else ''}"
            file = pytester.mkdir(place) if not Path(place).is_dir() else Path(place)
            (file / f"{name}.py").write_text(f"import pytest\n{mark}def {name}(): pass\n")
    (Path("tests/reliability") / "test_tests_reliability.py").unlink()
    ran = list[str]()
    for verb, words in recipes().items():
        lines = pytester.runpytest_inprocess("-v", *words).outlines
        here = [found[1] for line in lines if (found := re.search(r"::test_(\w+) PASSED", line))]
        assert here, verb
        ran += here
    assert sorted(ran) == sorted(set(ran))
    assert len(ran) == 2 * len(PLACES) - 1


def test_torture_loads_what_names_its_mark_alone(pytester: pytest.Pytester) -> None:
    """The other modules are not collected, so that one of them that cannot be loaded does no harm."""
    pytester.makeconftest((ROOT / "tests" / "conftest.py").read_text())
    pytester.makeini("[pytest]\nmarkers =\n    docker\n    reliability\n    load\n    real_clock\n")
    marked = "import pytest\n@pytest.mark.reliability\ndef test_marked(): pass\ndef test_other(): pass\n"
    pytester.makepyfile(test_marked=marked, test_other="raise RuntimeError\ndef test_other(): pass\n")

    pytester.runpytest_inprocess("-m", "reliability").assert_outcomes(passed=1, deselected=1)
    pytester.runpytest_inprocess("-m", "reliability or docker").assert_outcomes(errors=1, deselected=1)


def test_what_stands_among_the_torture_is_marked_for_it() -> None:
    """`make test` does not look there, and `make torture` takes what is marked."""
    unmarked = [
        path.name
        for path in (ROOT / "tests/reliability").rglob("test_*.py")
        if not re.search(r"^pytestmark = .*\bmark\.reliability\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not unmarked
