"""`--relayer-cmd` as users meet it: what is said first, several runs at once, and what does not go together."""

from __future__ import annotations

import json
import shlex
import sys

import pytest

from tests.unit.pytest_project import ADDOPTS, CACHE, run_pytest

pytestmark = pytest.mark.real_clock

pytest_plugins = ["pytester"]

SCENARIO = """
name: Pays
description: One transaction in real time.
networks: {base: {}}
checks: [default, -L1, -L2]
relayer: none
window: 5s
flows:
  f: {pay: {chain: base, at: +3s}}
timeline:
  - buffer: f
  - expect: {leg: f.pay, state: BUFFERED}
matrix:
  seed: [1, 2]
"""
REAL = "--clock real is implied"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with one scenario that needs no relayer, so that none has to be there."""
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    monkeypatch.setenv("PYTEST_ADDOPTS", ADDOPTS)
    monkeypatch.setenv("XDG_CACHE_HOME", str(CACHE))
    folder = pytester.path / "scenarios"
    folder.mkdir()
    (folder / "pays.yaml").write_text(SCENARIO)
    return pytester


def test_two_at_once(project: pytest.Pytester) -> None:
    """The relayer and the estimate come before the first result; both runs are real ones, in one evidence folder.

    They start no relayer, and so are in real time only where somebody says so.
    """
    real = ("--clock", "real")
    result = run_pytest(project, "scenarios", "--backend", "process", "-n", "2", *real, "--relayer-cmd", "./mine -v")
    result.assert_outcomes(passed=2)
    text = result.stdout.str()
    assert f"relayer `./mine -v`, a process of its own: {REAL}" in text
    assert text.count("for 2 scenarios on the real clock, 2 at once") == 1
    assert text.index("estimated duration: about") < text.index("PASS ")
    manifests = [json.loads(path.read_text()) for path in project.path.glob("results/2*/*/manifest.json")]
    assert [(each["clock"], each["relayer"]["kind"]) for each in manifests] == [("real", "none")] * 2


def test_the_project_names_it(project: pytest.Pytester) -> None:
    """lab.yaml's command counts, an empty option does away with it, and a virtual clock is refused with both ways."""
    (project.path / "lab.yaml").write_text("relayer_cmd: ./mine --token abc\n")
    refused = run_pytest(project, "scenarios", "--backend", "process", "--clock", "virtual")
    assert refused.ret == 2
    told = refused.stdout.str() + refused.stderr.str()
    assert "expected --clock real, got virtual" in told
    assert "`./mine --token ***`" in told
    assert "Traceback" not in told
    reference = run_pytest(project, "scenarios", "--backend", "process", "--relayer-cmd", "", "-k", "1")
    reference.assert_outcomes(passed=1, deselected=1)
    assert REAL not in reference.stdout.str()


def test_a_relayer_that_never_works(project: pytest.Pytester) -> None:
    """It is said once, with its last words, and after three items no other waits; those without a relayer are run."""
    relayed = SCENARIO.replace("relayer: none\n", "").replace("name: Pays", "name: Carries")
    (project.path / "scenarios" / "carries.yaml").write_text(relayed.replace("[1, 2]", "[1, 2, 3, 4, 5]"))
    command = shlex.join([sys.executable, "-c", "import nonesuch"])
    real = ("--backend", "process", "-n", "0", "--clock", "real", "--speed", "10", "-p", "no:randomly")
    result = run_pytest(project, "scenarios", *real, "--relayer-cmd", command)
    result.assert_outcomes(failed=3, skipped=2, passed=2)
    text = result.stdout.str()
    assert text.count("1 cause, of 5 failed runs") == 1
    assert "1. the relayer ended by itself with exit code 1, before it asked a chain for anything" in text
    assert "ModuleNotFoundError: No module named 'nonesuch'" in text
    assert "keeps from running, UNKNOWN without `--go-on`: 5 runs" in text
    verdicts = [json.loads(path.read_text()) for path in project.path.glob("results/2*/*carries*/verdict.json")]
    assert {verdict["verdict"] for verdict in verdicts} == {"UNKNOWN"}
    gone_on = run_pytest(project, "scenarios", *real, "--relayer-cmd", command, "--lab-go-on", "-k", "carries")
    gone_on.assert_outcomes(failed=5)


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "51", "fast", ""])
def test_a_speed_that_is_none(project: pytest.Pytester, speed: str) -> None:
    """One line, before anything is collected."""
    result = run_pytest(project, "scenarios", "--backend", "process", "--clock", "real", f"--speed={speed}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.errlines if line]
    assert "--speed: expected a number from 1 to 50" in line
    assert line.endswith(f"got {speed!r}")


@pytest.mark.parametrize("clock", [[], ["--clock", "virtual"]])
def test_simulated_time_has_no_speed(project: pytest.Pytester, clock: list[str]) -> None:
    """Whoever asks for one learns what it needs; what stands in the configuration waits for such a session."""
    result = run_pytest(project, "scenarios", "--backend", "process", "--speed", "10", *clock)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "expected --clock real or --relayer-cmd with --speed 10" in result.stderr.str()
    project.makeini("[pytest]\nlab_speed = 10\n")
    run_pytest(project, "scenarios", "--collect-only", *clock).assert_outcomes()


TOLD = """
import pytest

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        print("workers:", len(getattr(config.option, "tx", [])), getattr(config.option, "dist", "no"))
"""


@pytest.mark.parametrize(
    ("args", "workers"),
    [
        (["--clock", "real"], "workers: 2 worksteal"),
        (["--clock", "real", "-n", "1"], "workers: 1 load"),
        (["--clock", "real", "-n", "0"], "workers: 0 no"),
        (["--clock", "real", "-p", "no:xdist"], "workers: 0 no"),
        (["--clock", "real", "--pdb"], "workers: 0 no"),
        (["--clock", "real", "scenarios/pays.yaml::pays[seed=1]"], "workers: 0 no"),
        (["--clock", "real", "-k", "pays and seed"], "workers: 2 worksteal"),
        (["--clock", "real", "-k", "1] or nothing"], "workers: 0 no"),
        (["--clock", "real", "-k", "not pays"], "workers: 0 no"),
        ([], "workers: 0 no"),
        (["--relayer-cmd", "./mine"], "workers: 0 no"),
    ],
)
def test_how_many_at_once(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, args: list[str], workers: str
) -> None:
    """As many as there are items in real time, within what the cores bear; whoever says how many is obeyed."""
    project.makeconftest(TOLD)
    paths = [] if any("::" in arg for arg in args) else ["scenarios"]
    result = run_pytest(project, *paths, "--backend", "process", "-s", "--deselect", "scenarios", *args)
    result.stdout.fnmatch_lines([f"*{workers}*"])
