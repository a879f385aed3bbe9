"""The options and files of `lab up`: what is refused, what is believed of a file that may be stale."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from lab.commands.up import show_status
from lab.errors import InvalidFile, UsageError
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.owner import Owner, this_process
from lab.session.up import control
from lab.session.up.control import NodeStatus, UpStatus, look, stop
from lab.session.up.files import UnreadableState, UpFolder, UpOptions, UpState

PAST = Owner(os.getpid(), 1, this_process().place)


def options(*networks: str) -> UpOptions:
    return UpOptions(networks=networks, results="results")


def state(owner: Owner) -> UpState:
    return UpState(
        run_id="20261124-1",
        owner=owner.mark,
        place=owner.place,
        started="2026-11-24T00:00:00+00:00",
        networks=("base", "amoy"),
    )


@pytest.fixture
def folder(tmp_path: Path) -> UpFolder:
    folder = UpFolder(tmp_path)
    folder.path.mkdir()
    return folder


def test_options_survive_the_command_line() -> None:
    """The supervisor gets exactly what was asked for."""
    asked = UpOptions(
        networks=("base", "two=optimism"), results="/tmp/r", backend="docker", image="an-image", contract="c.vy",
        relayer=False,
    )  # fmt: skip

    assert UpOptions.model_validate_json(asked.model_dump_json()) == asked


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
    folder.write(state(this_process()))
    with pytest.raises(UsageError, match=rf"20261124-1 \(base, amoy; supervisor {os.getpid()}, .*`lab down`"):
        folder.refuse_second()

    folder.write(state(PAST))
    assert folder.refuse_second() == state(PAST)


def test_a_supervisor_of_elsewhere_may_be_alive(folder: UpFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """On a folder that two machines share, or containers: `up` does not start over it, `down` is how to say so."""
    folder.write(state(Owner(1, 1, "another-1")))
    with pytest.raises(UsageError, match=r"of another machine.*may still run: run `lab down` there"):
        folder.refuse_second()
    assert show_status(folder.path.parent) == 3
    assert "belongs to another machine" in capsys.readouterr().out
    # Another test may have left something meanwhile: what is removed of it follows.
    line, *_ = stop(folder)
    assert "another machine" in line
    assert folder.refuse_second() is None


def test_one_that_has_no_session_yet_is_starting(folder: UpFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """`status` says so, and its exit code is not the one of networks that can be used."""
    folder.write(state(this_process()))

    assert show_status(folder.path.parent) == 3
    assert capsys.readouterr().out.splitlines()[-1] == "the networks are starting"


DAMAGES = [b"", b"{", b"[]", b'{"run_id": "x"}', b"\x00", b"\xff\xfe", b"[" * 200_000, b'"\\ud800"', b"NaN"]


@pytest.mark.parametrize("content", DAMAGES)
def test_a_damaged_state_file_is_said_and_blocks_nobody(folder: UpFolder, content: bytes) -> None:
    """`status` says what is wrong with it, it keeps nobody from `up`, and `down` removes it."""
    (folder.path / "supervisor.json").write_bytes(content)

    assert folder.refuse_second() is None
    with pytest.raises(UnreadableState, match=r"supervisor\.json: expected what `lab up` writes, got .*`lab down`"):
        look(folder)
    line, *_ = stop(folder)
    assert line.endswith("it is removed")
    assert list(folder.path.iterdir()) == []


@pytest.mark.parametrize("content", DAMAGES)
def test_a_damaged_session_file_is_said(folder: UpFolder, content: bytes) -> None:
    """The supervisor lives; `down` needs no session to stop it."""
    folder.write(state(this_process()))
    (folder.path / "session.json").write_bytes(content)
    with pytest.raises(UnreadableState, match=r"session\.json: expected what `lab up` writes"):
        look(folder)


def test_a_damaged_state_of_a_living_supervisor_is_waited_for(
    folder: UpFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes its state again soon; one that does not is not stopped blindly."""
    monkeypatch.setattr(control, "HEALS_WITHIN_S", 0.1)
    with folder.locked():
        (folder.path / "supervisor.json").write_text("{")
        with pytest.raises(UnreadableState):
            stop(folder)
        monkeypatch.setattr(control, "HEALS_WITHIN_S", 60.0)
        healing = threading.Timer(0.2, folder.write, [state(PAST)])
        healing.start()
        assert "had died" in stop(folder)[0]


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:99999", "http://127.0.0.1:abc", "http://[::1", "ftp://h:1", "x"])
def test_a_session_leads_somewhere(url: str) -> None:
    """An address that is none is found when the file is read, by whoever reads it."""
    with pytest.raises(ValidationError, match="expected http"):
        SessionChain.model_validate({**CHAIN.model_dump(), "rpc_url": url})
    assert SessionChain.model_validate({**CHAIN.model_dump(), "rpc_url": "gate:base"}).rpc_url == "gate:base"


def test_clear_keeps_logs_and_lock(folder: UpFolder) -> None:
    """Keys, session, state and the relayer's store go; what tells of the past stays."""
    for name in (
        "keys.json",
        "relayer-keys.json",
        "relayer-session.json",
        "session.json",
        "supervisor.json",
        "relayer.sqlite",
        "relayer.sqlite-wal",
    ):
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


def health(*nodes: NodeStatus, owner: Owner | None = None, **changes: object) -> bool:
    running = state(owner or this_process()).model_copy(update={"phase": "running", **changes})
    return UpStatus(running, None, nodes).healthy


def test_health_needs_everything() -> None:
    """Supervisor, relayer and every node must live, be mined, and be there at all."""
    assert health(GOOD, GOOD)
    assert health(GOOD, relayer="running")
    assert not health(GOOD, owner=PAST)
    assert not health(GOOD, relayer="dead")
    assert not health(GOOD, phase="starting")
    assert not health(GOOD, NodeStatus(CHAIN, None, None, None))
    assert not health(GOOD, NodeStatus(CHAIN, 12, 1, "no answer within 60 s"))
    assert not health()


def test_a_node_that_does_not_answer_has_no_head(folder: UpFolder) -> None:
    """`status` asks the nodes themselves: a session file alone proves nothing."""
    folder.write(state(this_process()).model_copy(update={"phase": "running", "memory_bytes": {"base": 5}}))
    Session(
        run_id="r", backend="process", clock="real", genesis_time=1, chains={"base": CHAIN}, accounts={}, key_file="k",
        store_path="s", state_numbering={}, abi=[],
    ).write(folder.path / "session.json")  # fmt: skip

    found = look(folder)

    assert found is not None
    assert not found.healthy
    assert [(node.head, node.memory_bytes) for node in found.nodes] == [(None, None)]
    assert "127.0.0.1:1" in (found.nodes[0].problem or "")


def test_a_dead_supervisors_relayer_is_dead() -> None:
    """What the state file last said of it is past."""
    running = state(this_process()).model_copy(update={"relayer": "running"})
    assert UpStatus(running, None, ()).relayer == "running"
    assert UpStatus(running.model_copy(update={"owner": PAST.mark}), None, ()).relayer == "dead"
    assert UpStatus(state(PAST), None, ()).relayer == "off"
