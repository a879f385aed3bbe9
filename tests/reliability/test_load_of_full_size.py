"""A load of as many transactions as one run may send is reconciled in less than 300 MB.

What generator and observer leave is made here, and a chain that answers as a node would: sending 400,000 real
ones takes seven minutes, and a node 4 GB.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from lab.coordinator import Codec
from lab.load.analyse import reconcile
from lab.load.drive.observer import SeenBlock
from lab.load.profile.profile import TRANSACTIONS_MAX
from lab.load.record.run_files import blocks_file
from lab.model.contract.names import ContractNames
from lab.traffic.attempts import AttemptLog, Outcome
from lab.traffic.hashes import BYTES
from lab.traffic.signed_file import write_signed
from lab.traffic.signer import SignedTransaction, tx_id
from tests.unit.coordinator.abi import reference_abi

from .caller import MEMORY_MB_MAX
from .figures import Trials
from .file_kinds import CONTEXT
from .mutants import count
from .test_full_size import COMMAND_MB, measured

pytestmark = pytest.mark.reliability

SENDERS, A_BLOCK, RATE = 16, 1_000, 1_000
START = 1_800_000_000.0
SOUND: dict[str, Any] = CONTEXT
CONTRACT = "0x" + "11" * 20


class Chain:
    """Answers as a node does: the generator's transactions in blocks, and one of the relayer's for each where asked."""

    def __init__(self, abi: list[dict[str, Any]], salt: str, each: int, executes: str | None) -> None:
        self.codec, self.salt, self.each, self.executes = Codec(abi, ContractNames()), salt, each, executes
        self.topic = "0x" + keccak(text="TransactionBuffered(bytes32,address,address,uint256)").hex()
        self.blocks = -(-SENDERS * each // A_BLOCK)

    def own(self, number: int) -> list[tuple[int, int]]:
        """(sender, nonce) of what a block holds: all senders in turn."""
        begin = (number - 1) * A_BLOCK
        return [(at % SENDERS, at // SENDERS) for at in range(begin, min(begin + A_BLOCK, SENDERS * self.each))]

    def tx_hash(self, sender: int, nonce: int) -> bytes:
        return keccak(text=f"{self.salt}/{sender}/{nonce}")

    def relayed(self, number: int) -> list[tuple[bytes, str]]:
        """Hash and call data of what a relayer sends into a block."""
        if self.executes is None:
            return []
        ids = [tx_id(self.executes, *key) for key in self.own(number)]
        return [(keccak(one), self.codec.encode("mark_executed", [one])) for one in ids]

    def hashes(self, number: int) -> bytes:
        own = b"".join(self.tx_hash(*key) for key in self.own(number))
        return own + b"".join(tx_hash for tx_hash, _ in self.relayed(number))

    def seen(self, number: int) -> SeenBlock:
        size = len(hashes := self.hashes(number)) // BYTES
        at = START + number * A_BLOCK / RATE
        return SeenBlock(number, f"0x{number:064x}", int(at), 100_000 * size, 10**9, 10**9, at, 0.02, hashes)

    def block_number(self) -> int:
        return self.blocks

    def block(self, number: int, *, full: bool = False) -> dict[str, Any]:
        answer: dict[str, Any] = {"number": hex(number), "hash": f"0x{number:064x}"}
        if full:
            calls = [("0x" + self.tx_hash(*key).hex(), "0x") for key in self.own(number)]
            calls += [("0x" + tx_hash.hex(), data) for tx_hash, data in self.relayed(number)]
            answer["transactions"] = [{"hash": tx_hash, "input": data} for tx_hash, data in calls]
        return answer

    def logs(self, contract: str, first: int, last: int) -> list[dict[str, Any]]:
        data, address = f"0x{7:064x}", "0x" + CONTRACT[2:].rjust(64, "0")
        return [
            {
                "address": contract,
                "topics": [self.topic, "0x" + tx_id(self.salt, *key).hex(), address, address],
                "data": data,
                "transactionHash": "0x" + self.tx_hash(*key).hex(),
            }
            for key in self.own(first)
        ]

    def receipt(self, tx_hash: str) -> dict[str, Any]:
        return {"status": "0x1", "gasUsed": hex(100_000)}

    def nonce(self, address: str, block: int) -> int:
        return self.each

    def eth_call(self, contract: str, data: str, *, block: int) -> str:
        return f"0x{SENDERS * self.each:064x}"

    def call(self, method: str, *params: Any) -> Any:
        return {"pending": "0x0", "queued": "0x0"}

    def close(self) -> None:
        """Nothing."""


def planned_leg(number: int, chain: str, other: str, kind: str, role: str) -> dict[str, Any]:
    of_context: dict[str, Any] = SOUND["legs"][0]
    return of_context | {
        "number": number,
        "kind": kind,
        "chain": chain,
        "other": other,
        "gas_estimate": 100_000,
        "gas_limit": 200_000,
        "salt": f"salt {number}",
        "role": role,
    }


def write(folder: Path, chains: Sequence[tuple[str, Chain]], kind: str) -> None:
    """What a load of these leaves."""
    seconds = SENDERS * chains[0][1].each / RATE
    names = [name for name, _ in chains]
    legs = [planned_leg(n, name, names[-1 - n], kind, ("origin", "destination")[n]) for n, name in enumerate(names)]
    chain = SOUND["chains"]["capacity"] | {"contract": CONTRACT, "block_time_ms": 1_000}
    traffic = {"kind": kind, "payload": "0B"}
    profile = SOUND["profile"] | {"networks": {name: {} for name in names}, "traffic": [traffic]}
    profile["shape"] = {"kind": "constant", "tps": RATE, "duration": f"{seconds:g}s"}
    context: dict[str, Any] = SOUND | {
        "profile": profile,
        "chains": {name: chain | {"chain_id": 100 + n} for n, name in enumerate(names)},
        "legs": legs,
        "operators": dict.fromkeys(names, SENDERS),
        "abi": reference_abi(),
        "relayer": "none" if kind == "buffer" else "reference",
    }
    planned = []
    for number, (name, node) in enumerate(chains):
        senders = []
        for sender in range(SENDERS):
            path = folder / f"{number}-{sender}.signed"
            hashes = (SignedTransaction(nonce, b"raw", node.tx_hash(sender, nonce)) for nonce in range(node.each))
            write_signed(path, hashes, first_nonce=0, count=node.each)
            senders.append({"sender": sender, "path": str(path), "first_nonce": 0, "count": node.each})
        planned.append({"number": number, "chain": name, "label": "x", "senders": senders})
        with (folder / blocks_file(name)).open("w", encoding="utf-8") as stream:
            for block in range(1, node.blocks + 1):
                stream.write(node.seen(block).to_json() + "\n")
    log = AttemptLog(folder / "attempts-0.bin")
    for number, (_, node) in enumerate(chains):
        for at in range(SENDERS * node.each):
            due = at * 1_000_000 // RATE
            # Each of them twice: the first answer was lost.
            for outcome, late in ((Outcome.LOST, 0), (Outcome.ACCEPTED, 5_000)):
                log.add(number, outcome, late > 0, at % SENDERS, at // SENDERS, due, due + late + 1, due + late + 9)
    log.close()
    segments = [{"seconds": seconds, "from_tps": RATE, "to_tps": RATE}]
    plan: dict[str, Any] = {
        "schema_version": 1,
        "run_id": "r",
        "folder": str(folder),
        "workers": 1,
        "segments": segments,
    }
    plan["streams"] = [{"name": "s", "share": 1, "legs": planned}]
    files: dict[str, Any] = {"context": context, "plan": plan, "start": {"starts_at": START, "workers": 0}}
    files["urls"] = {name: f"http://127.0.0.1:1/{name}" for name in names}
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


# The one that takes more memory first: what a short run tries.
KINDS = {"flow": ("one", "other"), "buffer": ("capacity",)}


@pytest.mark.parametrize("kind", list(KINDS)[: count(1)])
def test_a_load_of_full_size(kind: str, tmp_path: Path, trials: Trials, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every transaction is sent twice, and has its place in the ledger."""
    names = KINDS[kind]
    each = TRANSACTIONS_MAX // len(names) // SENDERS
    abi = reference_abi()
    executes = {"other": "salt 1"} if kind == "flow" else {}
    chains = {name: Chain(abi, f"salt {n}", each, executes.get(name)) for n, name in enumerate(names)}
    write(tmp_path, list(chains.items()), kind)
    monkeypatch.setattr(reconcile, "Rpc", lambda transport: chains[transport.endpoint.rsplit("/", 1)[-1]])
    monkeypatch.setattr(reconcile, "HttpTransport", lambda url, timeout_s: Named(url.reveal()))
    sent = each * SENDERS

    def action() -> None:
        result = reconcile.reconcile_run(tmp_path)
        assert result.judged.outcome, result
        for figures in result.chains.values():
            ledger = figures.ledger
            counts = [ledger.offered, ledger.sent, ledger.resent, ledger.accepted, ledger.mined, ledger.succeeded]
            assert counts == [sent] * 6, ledger
            assert ledger.unexplained == []
        assert result.flows is None or len(result.flows.latencies_ms) == sent, result.flows

    trouble, took = measured(action)
    trials.add(findings=bool(trouble), peak_mb=COMMAND_MB + took)
    assert not trouble, trouble
    assert COMMAND_MB + took < MEMORY_MB_MAX


class Named:
    """A transport of which no more than its address is asked."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
