"""A small lab of fake chains around one relayer: a clock moved by hand, blocks mined on time, a poll every 2 s."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from lab.coordinator import Account, Codec, role_account
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.relayer import Relayer
from lab.relayer.memory.store import Store

from .fakes import ABI, CONTRACT, FLAGS, GENESIS, ZERO_ID, FakeChain

PAYLOAD = "0x" + "ab" * 64
ROLLUPS = {"one": "0x" + "a1" * 20, "two": "0x" + "a2" * 20, "lazy": "0x" + "a3" * 20}
BLOCK_TIMES_S = {"one": 6, "two": 2, "lazy": 1}


def tx_id(number: int) -> str:
    """A transaction id."""
    return "0x" + f"{number:064x}"


class ManualClock:
    """Simulated time."""

    def __init__(self) -> None:
        self.ms = 0

    def now_ms(self) -> int:
        """Milliseconds since genesis."""
        return self.ms

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.ms += int(seconds * 1000)


class Crashed(BaseException):
    """A simulated death of the relayer: no ordinary handler may catch it."""


class Bench:
    """Chains `one` (6 s blocks), `two` (2 s) and `lazy` (mines only when there is something to mine)."""

    def __init__(
        self, folder: Path, *, finality: dict[str, Finality] | None = None,
        execution_order: Literal["ready", "executed"] = "ready", abi: list[dict[str, Any]] | None = None,
        kind: type[FakeChain] = FakeChain, block_times_s: dict[str, int] = BLOCK_TIMES_S,
    ) -> None:  # fmt: skip
        self.account: Account = role_account("relayer")
        self.folder, self.clock = folder, ManualClock()
        self.abi = abi or ABI
        self.chains = {
            name: kind(name, block_time_ms=seconds * 1000, sender=self.account.address, codec=Codec(self.abi))
            for name, seconds in block_times_s.items()
        }
        for index, node in enumerate(self.chains.values()):
            node.chain_id = 100 + index
        policies = {name: Finality(blocks=1) for name in self.chains} | {"lazy": Finality(seconds=2)} | (finality or {})
        self.session = Session(
            run_id="test", backend="fake", clock="virtual", genesis_time=GENESIS,
            chains={
                name: SessionChain(
                    name=name, network=name, chain_id=100 + index, rpc_url="gate:bench", contract=CONTRACT,
                    rollup=ROLLUPS[name], finality=policies[name], start_block=1, block_time_ms=chain.block_time_ms,
                    mines_empty_blocks=name != "lazy",
                )
                for index, (name, chain) in enumerate(self.chains.items())
            },
            accounts={"relayer": self.account.address}, key_file="", store_path="", execution_order=execution_order,
            state_numbering=FLAGS, abi=self.abi,
        )  # fmt: skip
        self.notes: list[dict[str, Any]] = []
        self.points: list[str] = []
        self.crash: Callable[[str], None] = self.points.append
        self.relayer: Relayer | None = self.start()

    def start(self) -> Relayer:
        """A relayer on the same store: the first life, or the next."""
        return Relayer(
            self.session, self.chains, self.account, self.folder / "relayer.sqlite", self.clock,
            crash=lambda point: self.crash(point), notify=self.notes.append,
        )  # fmt: skip

    def buffer(self, chain: str, number: int, at: int, *, after: int | None = None, origin: str | None = None) -> str:
        """An operator buffers a transaction, to be mined next; `at` counts seconds from genesis."""
        target = next(rollup for name, rollup in ROLLUPS.items() if name != chain)
        dependency = tx_id(after) if after is not None else ZERO_ID
        source = origin or ROLLUPS[chain]
        if source == target:
            target = ROLLUPS[chain]
        self.chains[chain].operate(
            "buffer_transaction", tx_id(number), source, target, PAYLOAD, dependency, GENESIS + at
        )
        return tx_id(number)

    def run(self, seconds: int, *, until: Callable[[], bool] | None = None) -> None:
        """Let time pass: blocks on time, a poll every two seconds."""
        for _ in range(seconds):
            self.clock.ms += 1000
            now = GENESIS + self.clock.ms // 1000
            for name, chain in self.chains.items():
                asked = bool(chain.pool or chain._queue)
                if asked if name == "lazy" else (now - GENESIS) % BLOCK_TIMES_S[name] == 0:
                    chain.mine(now)
            if self.clock.ms % 2000 == 0 and self.relayer is not None:
                self.relayer.step()
                if until is not None and until():
                    return

    def state(self, chain: str, number: int) -> str:
        """A transaction's state at the chain's head."""
        return self.chains[chain].state_of(tx_id(number))

    def states(self) -> dict[tuple[str, str], str]:
        """Every transaction of every chain with its state."""
        return {
            (name, key): stored.state
            for name, chain in self.chains.items()
            for key, stored in sorted(chain.head.state.stored.items())
        }

    def store(self) -> Store:
        """The relayer's store, opened beside it, to look into."""
        ids = {name: chain.chain_id for name, chain in self.session.chains.items()}
        facts: dict[str, Any] = {
            name: [chain.chain_id, chain.contract, chain.start_block] for name, chain in self.session.chains.items()
        }
        return Store(self.folder / "relayer.sqlite", ids, facts | {"account": self.account.address}, durable=False)
