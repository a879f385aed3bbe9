"""`session.json`: written whole, read back equal, refused in another shape."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic_core import PydanticSerializationError

from lab.bounded_files import UnfitFile
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain


def _session() -> Session:
    chain = SessionChain(
        name="two",
        network="optimism",
        chain_id=10,
        rpc_url="http://127.0.0.1:8545",
        contract="0x" + "c0" * 20,
        rollup="0x" + "f1" * 20,
        finality=Finality(seconds=4),
        start_block=1,
        block_time_ms=2000,
        mines_empty_blocks=True,
    )
    return Session(
        run_id="r",
        backend="process",
        clock="virtual",
        genesis_time=1_800_000_000,
        chains={"two": chain},
        accounts={"owner": "0x" + "a0" * 20},
        key_file="keys.json",
        store_path="relayer.sqlite",
        state_numbering={"EMPTY": 1, "BUFFERED": 2},
        abi=[{"type": "function", "name": "owner", "inputs": [], "outputs": [{"type": "address"}]}],
    )


def test_round_trip(tmp_path: Path) -> None:
    """What was written is what is read, defaults included, and no temporary file stays."""
    session = _session()
    session.write(tmp_path / "session.json")
    assert Session.read(tmp_path / "session.json") == session
    assert [path.name for path in tmp_path.iterdir()] == ["session.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path) -> None:
    """A reader never sees half a session."""
    path = tmp_path / "session.json"
    _session().write(path)
    before = path.read_bytes()
    with pytest.raises(PydanticSerializationError):
        _session().model_copy(update={"run_id": object()}).write(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("key", "value"), [("schema_version", 2), ("chains", {"two": {}}), ("clock", "wall"), ("surprise", 1)]
)
def test_another_shape_is_refused(tmp_path: Path, key: str, value: object) -> None:
    """A schema of the future, a missing part, an unknown key."""
    path = tmp_path / "session.json"
    _session().write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(UnfitFile, match=key):
        Session.read(path)


@pytest.mark.parametrize(
    ("abi", "words"),
    [
        ([{"type": "function", "inputs": 5}], r"abi: \[0\]\.inputs: expected a list, got 5"),
        ([{"type": "event", "name": "E"}, {"type": "function", "name": "f", "inputs": [{}]}], r"\[1\]\.inputs\[0\]"),
        ([{}], r"abi: \[0\]: expected a name"),
        ([5], r"abi: \[0\]: expected an object, got 5"),
        (5, "abi: "),
    ],
)
def test_an_abi_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, abi: object, words: str) -> None:
    """Every command that reads the file would end in a stack trace at its first call else."""
    path = tmp_path / "session.json"
    _session().write(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"abi": abi}))
    with pytest.raises(UnfitFile, match=words):
        Session.read(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    """As the docstring says."""
    with pytest.raises(FileNotFoundError):
        Session.read(tmp_path / "none.json")
