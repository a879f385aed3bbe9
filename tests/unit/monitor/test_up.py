"""What `lab monitor up` and the exporter refuse before anything is written or started."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from lab.commands.monitor.exporting import read_session
from lab.commands.monitor.up import Ports, run_all
from lab.errors import EnvironmentFailure, UsageError
from lab.model.session import Session
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.servers import free_ports


def test_ports_are_three_and_free(tmp_path: Path) -> None:
    """The option is named, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        one, other = free_ports(2)
        with pytest.raises(EnvironmentFailure, match=f"{busy}.*--prometheus-port"):
            run_all(tmp_path / "session.json", tmp_path / "out", Ports(one, busy, other), Thresholds())
    with pytest.raises(UsageError, match=f"--exporter-port {one} and --alertmanager-port {one}"):
        run_all(tmp_path / "session.json", tmp_path / "out", Ports(one, other, one), Thresholds())
    assert not (tmp_path / "out").exists()


def test_a_session_without_chains_is_nothing_to_watch(tmp_path: Path) -> None:
    """An exporter of nothing would look healthy."""
    path = tmp_path / "session.json"
    nothing: dict[str, Any] = {"chains": {}, "accounts": {}, "state_numbering": {}, "abi": []}
    words = dict.fromkeys(("run_id", "key_file", "store_path"), "x")
    path.write_text(
        json.dumps(
            {"schema_version": 1, "backend": "process", "clock": "virtual", "genesis_time": 1, **words, **nothing}
        )
    )
    assert Session.read(path).chains == {}
    with pytest.raises(UsageError, match="at least one chain"):
        read_session(path)
