"""The options and files of `lab up`: what is refused, what is believed of a file that may be stale."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lab.chains.processes.reaper import owner_mark
from lab.commands.up import show_status
from lab.errors import InvalidFile, UsageError
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.session.up.control import NodeStatus, UpStatus, look, stop
from lab.session.up.files import UpFolder, UpOptions, UpState


def options(*networks: str) -> UpOptions:
    return UpOptions(networks, "results")


def state(owner: str) -> UpState:
    return UpState(run_id="20261124-1", owner=owner, started="2026-11-24T00:00:00+00:00", networks=("base", "amoy"))


@pytest.fixture
def folder(tmp_path: Path) -> UpFolder:
    folder = UpFolder(tmp_path)
    folder.path.mkdir()
    return folder


def test_options_survive_the_command_line() -> None:
    """The supervisor gets exactly what was asked for."""
    asked = UpOptions(("base", "two=optimism"), "/tmp/r", "docker", "an-image", "c.vy", False)

    assert UpOptions.from_json(asked.to_json()) == asked


def test_a_profile_may_run_twice_under_two_names() -> None:
    """NAME=PROFILE names a chain; the same name twice is refused with the way out."""
    assert {name: found.chain_id for name, found in options("base", "two=base").profiles().items()} == {
        "base": 8453,
        "two": 8453,
    }
    with pytest.raises(UsageError, match=r"got base twice: name the second, as in two=base-mainnet"):
        options("base", "base-mainnet").profiles()


def test_a_users_profile_is_taken_by_its_path(tmp_path: Path) -> None:
    """A file works like a name, and its problems are told with their lines."""
    good, bad = tmp_path / "mine.yaml", tmp_path / "bad.yaml"
    good.write_text("extends: base\nname: mine\n")
    bad.write_text("extends: base\nname: mine\nblok_time_ms: 5\n")

    assert list(options(str(good)).profiles()) == ["mine"]
    with pytest.raises(InvalidFile, match=r"bad\.yaml:3:1 .*did you mean block_time_ms"):
        options(str(bad)).profiles()


def test_the_lock_is_for_one(folder: UpFolder) -> None:
    """While a supervisor holds the folder nobody else gets it, even before its state file is there."""
    attempt = (
        "import sys; from pathlib import Path; from lab.session.up.files import UpFolder\n"
        "with UpFolder(Path(sys.argv[1])).locked(): print('got it')"
    )

    def try_elsewhere() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", attempt, str(folder.path.parent)]
        return subprocess.run(command, capture_output=True, text=True)

    with folder.locked():
        refused = try_elsewhere()
    assert refused.returncode != 0
    assert "another `lab up` is starting" in refused.stderr
    assert try_elsewhere().stdout == "got it\n"


def test_a_living_supervisor_is_named_and_a_stale_file_is_not_believed(folder: UpFolder) -> None:
    """The pid alone proves nothing: only pid and start time together are the process that wrote the file."""
    folder.write(state(owner_mark()))
    with pytest.raises(UsageError, match=rf"20261124-1 \(base, amoy; supervisor {os.getpid()}, .*`lab down`"):
        folder.refuse_second()

    folder.write(state(f"{os.getpid()}:1"))
    folder.refuse_second()


def test_one_that_has_no_session_yet_is_starting(folder: UpFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """`status` says so, and its exit code is not the one of networks that can be used."""
    folder.write(state(owner_mark()))

    assert show_status(folder.path.parent) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "it is starting"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"run_id": "x"}', "\x00"])
def test_a_damaged_state_file_stands_for_nothing(folder: UpFolder, content: str) -> None:
    """It blocks no `up`, and `down` removes it."""
    (folder.path / "supervisor.json").write_text(content)

    folder.refuse_second()
    assert look(folder) is None
    assert stop(folder) == []
    assert list(folder.path.iterdir()) == []


def test_clear_keeps_logs_and_lock(folder: UpFolder) -> None:
    """Keys, session, state and the relayer's store go; what tells of the past stays."""
    for name in ("keys.json", "session.json", "supervisor.json", "relayer.sqlite", "relayer.sqlite-wal"):
        (folder.path / name).touch()
    (folder.path / "up.log").touch()
    (folder.path / "lock").touch()

    folder.clear()

    assert sorted(path.name for path in folder.path.iterdir()) == ["lock", "up.log"]


CHAIN = SessionChain(
    name="base", network="base", chain_id=8453, rpc_url="http://127.0.0.1:1", contract="0x1", rollup="0x2",
    finality=Finality(blocks=2), start_block=1, block_time_ms=200, mines_empty_blocks=True,
)  # fmt: skip
GOOD = NodeStatus(CHAIN, 12, 1 << 20, None)


def health(*nodes: NodeStatus, owner: str | None = None, **changes: object) -> bool:
    running = state(owner or owner_mark()).model_copy(update={"phase": "running", **changes})
    return UpStatus(running, None, nodes).healthy


def test_health_needs_everything() -> None:
    """Supervisor, relayer and every node must live, be mined, and be there at all."""
    assert health(GOOD, GOOD)
    assert health(GOOD, relayer="running")
    assert not health(GOOD, owner=f"{os.getpid()}:1")
    assert not health(GOOD, relayer="dead")
    assert not health(GOOD, phase="starting")
    assert not health(GOOD, NodeStatus(CHAIN, None, None, None))
    assert not health(GOOD, NodeStatus(CHAIN, 12, 1, "no answer within 60 s"))
    assert not health()


def test_a_node_that_does_not_answer_has_no_head(folder: UpFolder) -> None:
    """`status` asks the nodes themselves: a session file alone proves nothing."""
    folder.write(state(owner_mark()).model_copy(update={"phase": "running", "memory_bytes": {"base": 5}}))
    Session(
        run_id="r", backend="process", clock="real", genesis_time=1, chains={"base": CHAIN}, accounts={}, key_file="k",
        store_path="s", state_numbering={}, abi=[],
    ).write(folder.path / "session.json")  # fmt: skip

    found = look(folder)

    assert found is not None
    assert not found.healthy
    assert [(node.head, node.memory_bytes) for node in found.nodes] == [(None, None)]
    assert "127.0.0.1:1" in (found.nodes[0].problem or "")
