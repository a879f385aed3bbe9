"""A long load whose command is killed twice, without warning: it goes on, its ledger balances, nothing grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab.load.analyse.judge import RunOutcome
from lab.load.long.record import STRETCHES, LongRecord, newest
from lab.load.long.run import FOLDER, KEPT
from lab.load.long.summary import Whole

from .dask_cluster import until

pytestmark = [pytest.mark.reliability, pytest.mark.load]
STRETCHES_COUNT, STRETCH_S, TPS = 3, 3, 10
PROFILE = f"""
name: A long load
description: Ten a second; this machine may be as slow as it likes.
networks: {{capacity: {{}}}}
traffic: [{{kind: buffer, payload: 64B}}]
shape: {{kind: constant, tps: {TPS}, duration: {STRETCHES_COUNT * STRETCH_S}s}}
criteria:
  throughput_tps_min: 0.1
  throughput_over: {STRETCH_S}s
  failure_share_max: 0.9
  cost_usd_max: 1000
  uptime_share_min: 0.01
  inclusion_max: 600s
  lateness_p99_max: 60s
  dropped_share_max: 0.9
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """The command, at once."""
    command = [sys.executable, "-m", "lab.cli", "load", *words, "--results", str(folder / "results")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def record_in(folder: Path) -> LongRecord:
    """What is on record now."""
    there = newest(folder / "results" / FOLDER)
    assert there is not None
    return LongRecord.read(there)


def sending(folder: Path, run: str) -> bool:
    """Whether the generator of a stretch has noted something that it sent."""
    attempts = list((folder / "results" / FOLDER).glob(f"*/{run}/load/*/attempts-*.bin"))
    return any(path.stat().st_size > 0 for path in attempts)


def test_killed_twice_it_goes_on(tmp_path: Path) -> None:
    """In the first stretch and in the second; both are named, run again, and in no ledger."""
    profile = tmp_path / "profile.yaml"
    profile.write_text(PROFILE)
    words: tuple[str, ...] = (str(profile), "--checkpoint", f"{STRETCH_S}s", "--backend", "process")
    for number in (1, 2):
        command = start(tmp_path, *words)
        until(lambda: list(tmp_path.glob(f"results/{FOLDER}/*/{STRETCHES}")), "a first stretch")
        until(lambda number=number: record_in(tmp_path).lines[-1].number == number, f"stretch {number}")  # type: ignore[misc]
        run = record_in(tmp_path).lines[-1].run
        until(lambda run=run: sending(tmp_path, run), f"load of stretch {number}")  # type: ignore[misc]
        command.kill()
        command.wait()
        words = ("resume",)
    # The last line may be cut short, too.
    with (record_in(tmp_path).folder / STRETCHES).open("a") as stream:
        stream.write('{"number": 2, "run"')
    command = start(tmp_path, "resume")
    output, _ = command.communicate()
    assert command.returncode == 0, output
    assert output.count("was cut off by the end of the lab and run again") == 2, output
    assert "Traceback" not in output

    record = record_in(tmp_path)
    assert [line.number for line in record.cut_off] == [1, 2]
    assert sorted(record.done) == [1, 2, 3]
    whole, arrivals = Whole(record), STRETCHES_COUNT * STRETCH_S * TPS
    assert (whole.outcome, whole.balanced, whole.ledger["offered"]) == (RunOutcome.PASS, True, arrivals)
    assert whole.ledger["succeeded"] + whole.ledger["dropped"] == arrivals
    assert all(line.memory and line.disk_mib for line in record.done.values())
    page = (record.folder / "report.html").read_text()
    assert all(title in page for title in ("Memory", "Disk after each stretch", "gas per transaction"))
    left = {path.name for path in record.folder.glob("*/load/*/**/*") if path.is_file() and not path.is_symlink()}
    assert left <= KEPT
