"""Faults of the relayer as an actor on real chains: it stands still, is doubled, has an old store, another key."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from lab.coordinator import role_account
from lab.errors import UsageError
from lab.faults import FAULTS, ActiveFault
from lab.model.records import Note, Submit
from lab.scenario.item import RelayerSpec
from lab.session.lab import Lab

from ..conftest import StartLab
from ..real_chains import buffer, tx_id
from .test_faults import spec

POLYGON = "polygon"


@pytest.fixture
def lab(start_lab: StartLab) -> Lab:
    """A Polygon with a transaction due at 20 s, one due at 40 s, and a relayer that polls every two seconds."""
    lab = start_lab(POLYGON, relayer=RelayerSpec(poll_ms=2000, execution_order="ready"))
    lab.start_relayer()
    buffer(lab, POLYGON, 1, at_s=20, nonce=0, tip=30 * 10**9)
    buffer(lab, POLYGON, 2, at_s=40, nonce=1, tip=30 * 10**9)
    return lab


def started(lab: Lab, kind: str, **parameters: Any) -> ActiveFault:
    """Injected."""
    fault = FAULTS[kind].activate(lab.fault_context, "f", spec(kind, **parameters))
    fault.inject()
    return fault


def sends(lab: Lab) -> list[Submit]:
    """All that was handed over so far."""
    return [record for record in lab.recorder.records if isinstance(record, Submit)]


def notes(lab: Lab, kind: str) -> list[tuple[int, str]]:
    """When a relayer did what."""
    return [(note.t_ms, note.text) for note in lab.recorder.records if isinstance(note, Note) and note.kind == kind]


def state(lab: Lab, number: int) -> str:
    """A transaction's state now."""
    return lab.reader(POLYGON).state(tx_id(number))


@pytest.mark.parametrize("kind", ["relayer_pause", "second_relayer", "stale_store", "key_rotation"])
def test_without_a_relayer(start_lab: StartLab, kind: str) -> None:
    """Says what is missing."""
    with pytest.raises(UsageError, match=f"{kind} needs a relayer"):
        started(start_lab(POLYGON), kind)


def test_relayer_pause(lab: Lab) -> None:
    """It does nothing, dies not, and goes on."""
    lab.scheduler.advance_to(15_000)
    fault = started(lab, "relayer_pause")
    lab.scheduler.advance_to(45_000)
    assert lab.relayer is not None
    assert lab.relayer.running
    assert sends(lab) == []
    assert fault.activations == 0
    fault.heal()
    fault.heal()
    assert (fault.activations, fault.proof) == (1, "it stood still for 30 s")
    lab.scheduler.advance_to(60_000)
    assert state(lab, 1) == state(lab, 2) == "EXECUTED"
    assert [text for _, text in notes(lab, "relayer")] == ["start"]


def test_relayer_pause_holds_an_answer_under_way(lab: Lab) -> None:
    """Stopped while it waits for a slow answer, it does not act on it before it goes on; it can be killed meanwhile."""
    slow = started(lab, "rpc_latency", chain=POLYGON, delay="1500ms")
    lab.scheduler.advance_to(20_600)
    fault = started(lab, "relayer_pause")
    count = len(sends(lab))
    lab.scheduler.advance_to(50_000)
    assert len(sends(lab)) == count
    kill = started(lab, "relayer_kill")
    assert lab.relayer is not None
    assert not lab.relayer.running
    fault.heal()
    slow.heal()
    kill.heal()
    lab.scheduler.advance_to(70_000)
    assert state(lab, 1) == state(lab, 2) == "EXECUTED"


def test_relayer_pause_of_a_stopped_one(lab: Lab) -> None:
    """It proves nothing."""
    assert lab.relayer is not None
    lab.relayer.kill()
    fault = started(lab, "relayer_pause")
    lab.scheduler.advance_to(20_000)
    fault.heal()
    assert (fault.activations, fault.proof) == (0, "it did not run")


def test_second_relayer(lab: Lab) -> None:
    """With a store of its own; both work, and nothing is done twice. Bites are what the second sent."""
    assert lab.relayer is not None
    lab.scheduler.advance_to(5_000)
    fault = started(lab, "second_relayer")
    lab.scheduler.advance_to(10_000)
    assert fault.activations == 0
    lab.relayer.stop()
    lab.scheduler.advance_to(60_000)
    assert state(lab, 1) == state(lab, 2) == "EXECUTED"
    assert {submit.sender for submit in sends(lab)} == {role_account("relayer").address}
    assert (fault.activations, fault.proof) == (
        len(sends(lab)),
        f"the second relayer sent {len(sends(lab))} transactions",
    )
    assert fault.activations == 4
    assert notes(lab, "second relayer") == [(5_000, "start")]
    fault.heal()
    fault.heal()
    buffer(lab, POLYGON, 3, at_s=80, nonce=2, tip=30 * 10**9)
    lab.scheduler.advance_to(100_000)
    assert state(lab, 3) == "BUFFERED"


def test_stale_store(lab: Lab) -> None:
    """After the time given it is killed and starts with what it knew before; it finds out the rest from the chain."""
    assert lab.relayer is not None
    path = lab.relayer.store_path
    lab.scheduler.advance_to(10_000)
    fault = started(lab, "stale_store", restore_after="20s")
    lab.scheduler.advance_to(29_900)
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT COUNT(*) FROM intents").fetchone() == (2,)
    lab.scheduler.advance_to(30_000)
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT COUNT(*) FROM intents").fetchone() == (0,)
    assert (fault.activations, fault.proof) == (1, "the store of 20 s before came back; it had changed since")
    fault.heal()
    lab.scheduler.advance_to(60_000)
    assert state(lab, 1) == state(lab, 2) == "EXECUTED"
    assert [text for _, text in notes(lab, "relayer")] == ["start", "killed", "start"]


def test_a_store_that_was_not_stale(lab: Lab) -> None:
    """Nothing happened in between: it proves nothing."""
    lab.scheduler.advance_to(10_000)
    fault = started(lab, "stale_store")
    fault.heal()
    assert fault.activations == 0
    assert "unchanged" in fault.proof


def test_key_rotation(lab: Lab) -> None:
    """It goes on under the other account, from that account's own first nonce."""
    lab.scheduler.advance_to(30_000)
    before = len(sends(lab))
    fault = started(lab, "key_rotation", role="operator2")
    lab.scheduler.advance_to(60_000)
    assert state(lab, 2) == "EXECUTED"
    after = sends(lab)[before:]
    assert {submit.sender for submit in after} == {role_account("operator2").address}
    assert [submit.nonce for submit in after] == [0, 1]
    assert (fault.activations, fault.proof) == (1, "it goes on with the key of operator2")
    assert [text for _, text in notes(lab, "relayer")] == ["start", "stop", "start"]
