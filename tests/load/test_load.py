"""One short load through the command, on both backends: the ledger balances and the report says so. No speed."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lab.cli import app
from lab.evidence.folder import sha256_file
from lab.evidence.manifest import Against
from lab.evidence.outcomes import outcome_of

pytestmark = pytest.mark.load

PROFILE = """
name: A short load
description: A hundred a second for five seconds, on two workers.
networks: {capacity: {}}
traffic: [{kind: buffer, payload: 64B}]
shape: {kind: constant, tps: 100, duration: 5s}
workers: 2
criteria:
  throughput_tps_min: 90
  throughput_over: 5s
  uptime_share_min: 0.1
  # This machine may be as slow as it likes: the ledger is looked at, not the clock.
  lateness_p99_max: 60s
  dropped_share_max: 0.9
"""


def arguments(folder: Path, *more: str) -> list[str]:
    profile = folder / "profile.yaml"
    profile.write_text(PROFILE, encoding="utf-8")
    return ["load", str(profile), "--results", str(folder / "results"), *more]


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("backend", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_short_load(backend: str, tmp_path: Path, own_cache: Path, request: pytest.FixtureRequest) -> None:
    """Offered, sent, accepted, mined and succeeded are one number, on the chain too; every file is there and true."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(own_cache), "PYTHONWARNINGS": "default::ResourceWarning"}
    if backend == "docker":
        environment["LAB_IMAGE"] = request.getfixturevalue("image")
    command = [sys.executable, "-m", "lab.cli", *arguments(tmp_path, "--backend", backend)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert done.returncode in (0, 1, 3), done.stderr
    assert "unclosed" not in done.stderr
    folder = tmp_path / "results" / "load" / "latest"
    load = read(folder, "load.json")
    ledger = load["chains"]["capacity"]["ledger"]
    assert ledger["offered"] == 500
    assert ledger["sent"] + ledger["dropped"] == 500
    for end in ("accepted", "mined", "succeeded"):
        assert ledger[end] == ledger["sent"], ledger
    assert (ledger["unexplained_count"], load["unexplained"], load["problems"]) == (0, [], [])
    assert load["chains"]["capacity"]["events"]["buffered_ids"] == ledger["succeeded"]
    assert load["workers"] == load["generator"]["workers"] == 2
    assert load["generator"]["finished"]
    assert "succeeded, 0 dropped, 0 unexplained" in done.stdout or ledger["dropped"]
    check_report(folder, load)
    check_rows(folder, ledger["succeeded"], load["chains"]["capacity"]["drift"])
    check_locust(folder, ledger["sent"])


def check_report(folder: Path, load: dict[str, Any]) -> None:
    """One page that needs no network, and that says what load.json says."""
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert load["outcome"] in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)
    assert page.count('<svg class="chart"') >= 6
    for criterion in load["criteria"]:
        assert criterion["criterion"] in page
    manifest = read(folder, "manifest.json")
    assert {name: sha256_file(folder / name) for name in manifest["digests"]} == manifest["digests"]
    rows = read(folder, "rows.json")["rows"]
    failed, infeasible = ({row["row"] for row in rows if row["verdict"] == word} for word in ("FAIL", "INFEASIBLE"))
    assert manifest["relayer"] == {"kind": "none"}
    assert len(manifest["profile_sha256"]) == 64
    for noted in (Against.read(manifest), outcome_of(folder.resolve())):
        assert (set(noted.failed), set(noted.infeasible)) == (failed, infeasible)


def check_rows(folder: Path, succeeded: int, drift: dict[str, Any]) -> None:
    """The capacity network never passes a criterion about networks."""
    rows = {row["row"]: row for row in read(folder, "rows.json")["rows"]}
    assert set(rows) >= {"LOAD-01", "LOAD-02", "LOAD-04", "LOAD-05", "TEC-03", "TEC-04", "TEC-06", "STR-05"}
    assert (rows["LOAD-01"]["verdict"], rows["LOAD-01"]["figure"]) == ("PASS", succeeded)
    assert rows["TEC-04"]["verdict"] == "UNKNOWN"
    assert "base" in rows["TEC-04"]["reason"]
    assert rows["LOAD-05"]["verdict"] == "UNKNOWN"
    # On a slow machine all may be in one block, which has no first and last fifth to compare.
    compared = all(drift[part]["gas_per_transaction"] for part in ("first", "last"))
    assert [rows[row]["verdict"] for row in ("LOAD-03", "STR-04") if row in rows] == ["UNKNOWN"] * 2 * compared


def check_locust(folder: Path, sent: int) -> None:
    """Every transaction is a request event of Locust's."""
    with (folder / "locust_stats.csv").open(encoding="utf-8", newline="") as stream:
        whole = list(csv.DictReader(stream))[-1]
    assert (whole["Name"], int(whole["Request Count"]), int(whole["Failure Count"])) == ("Aggregated", sent, 0)


# The clock that the lab looks at is set on the way, by an hour.
CLOCK_SET = """
import itertools, sys, time
from lab.chains.wall_clock import WallClockWatch
from lab.load import run
looks = itertools.count()
run.WallClockWatch = lambda: WallClockWatch(lambda: time.time() + (3600 if next(looks) > 2 else 0))
from lab.cli import app
app(sys.argv[1:])
"""


def test_a_clock_that_is_set_leaves_nothing_to_judge(tmp_path: Path, own_cache: Path) -> None:
    """Times of the run mean nothing, in either direction: it ends INVALID, exit code 3, and each row is UNKNOWN."""
    command = [sys.executable, "-c", CLOCK_SET, *arguments(tmp_path, "--backend", "process")]
    environment = {**os.environ, "XDG_CACHE_HOME": str(own_cache)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert done.returncode == 3, done.stderr
    folder = tmp_path / "results" / "load" / "latest"
    load, rows = read(folder, "load.json"), read(folder, "rows.json")["rows"]
    assert load["outcome"] == "INVALID"
    assert load["invalid"][0].startswith("the machine's clock was set by +3600.0 s, or the machine slept")
    assert {row["verdict"] for row in rows} <= {"UNKNOWN", "INFEASIBLE"}
    assert all("clock was set" in row["reason"] for row in rows if row["verdict"] == "UNKNOWN")
    assert {read(folder, name)["profile_file"] for name in ("manifest.json", "rows.json")} == {"profile.yaml"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (("--tps", "0"), "'--tps'"),
        (("--networks", "bse"), "did you mean base"),
        (("--tps", "9000", "--operators", "4"), "operators: expected at least 282"),
        (("--url", "base=http://192.0.2.1:8545"), "--allow-remote"),
        (("--duration", "soon"), "--duration: expected a duration"),
        (("--duration", "99999999999h"), "--duration: expected 1 s to 7 days"),
        (("--duration", "8d"), "--duration: expected a duration"),
        (("--duration", "0"), "--duration: expected 1 s to 7 days"),
        (("--duration", "nan"), "--duration: expected a duration"),
        (("--duration", "1e400"), "--duration: expected a duration"),
        (("--tps", "0.01", "--duration", "2"), "expected at least one arrival"),
        (("--tps", "1", "--duration", "1", "--networks", "base,optimism"), "expected at least one arrival"),
        (("--tps", "nan"), "'--tps'"),
        (("--tps", "inf"), "'--tps'"),
        (("--tps", "1e300"), "'--tps'"),
        (("--tps", "1000000", "--duration", "100h"), "expected at most 100,000,000 arrivals"),
        (("--operators", "0"), "'--operators'"),
        (("--workers", "-1"), "'--workers'"),
        (("--url", "base=http://127.0.0.1:abc"), "its port is no number"),
        (("--url", "base=http://[::1"), "its host is malformed"),
    ],
)
def test_bad_input_starts_nothing(wrong: tuple[str, ...], told: str, tmp_path: Path) -> None:
    """Exit code 2, one sentence, no folder."""
    done = CliRunner().invoke(app, arguments(tmp_path, "--backend", "process", *wrong))
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
