"""Two real nodes with the real contract, mined by hand, for the tests that a fake chain cannot stand in for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.coordinator import Fees, role_account, sign_transaction
from lab.deploy.deployer import Deployable, deployable, setup_transactions
from lab.deploy.placement import confirm
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.rpc import HttpTransport, Rpc
from tests.bare_node import bare_node
from tests.compiling import compile_once

from .bench import ROLLUPS, tx_id
from .fakes import FLAGS, GENESIS, ZERO_ID

CONTRACT = Path(__file__).parents[3] / "contracts" / "TesseractCoordinator.vy"
BLOCK_TIMES_S = {"one": 6, "two": 2}
FEES = Fees(100_000_000_000, 1_000_000_000)


class Nodes:
    """Chains `one` (6 s blocks) and `two` (2 s), with simulated time; an operator that buffers."""

    def __init__(self, urls: dict[str, str], target: Deployable, genesis: int) -> None:
        self.urls, self.target, self.genesis = urls, target, genesis
        self.transports = {name: HttpTransport(url, timeout_s=600) for name, url in urls.items()}
        self.rpcs = {name: Rpc(transport) for name, transport in self.transports.items()}
        self.seconds = 0
        for index, (name, rpc) in enumerate(self.rpcs.items()):
            raws = setup_transactions(target, chain_id=100 + index, window_s=30, base_fee=10**9, min_tip=0)
            hashes = [rpc.send_raw(raw) for raw in raws]
            self.mine(name)
            confirm(rpc, name, target, hashes)

    def mine(self, name: str) -> None:
        """One block with the time that it is now."""
        self.rpcs[name].call("evm_setNextBlockTimestamp", self.genesis + self.seconds)
        self.rpcs[name].call("evm_mine")

    def tick(self) -> None:
        """One second: every chain whose turn it is gets a block."""
        self.seconds += 1
        for name, block_time_s in BLOCK_TIMES_S.items():
            if self.seconds % block_time_s == 0:
                self.mine(name)

    def buffer(self, name: str, number: int, at: int, after: int | None = None) -> None:
        """An operator's buffer_transaction, into the pool."""
        operator, rpc = role_account("operator"), self.rpcs[name]
        target = next(rollup for other, rollup in ROLLUPS.items() if other != name)
        dependency = tx_id(after) if after is not None else ZERO_ID
        args = [tx_id(number), ROLLUPS[name], target, "0x" + "ab" * 64, dependency, self.genesis + at]
        raw, _ = sign_transaction(
            operator, chain_id=rpc.chain_id(), nonce=rpc.nonce(operator.address, "pending"), to=self.target.address,
            data=self.target.codec.encode("buffer_transaction", args), gas=400_000, fees=FEES,
        )  # fmt: skip
        rpc.send_raw(raw)

    def state(self, name: str, number: int) -> int:
        """The raw state at the head."""
        data = self.target.codec.encode("get_transaction_state", [tx_id(number)])
        return int(self.rpcs[name].eth_call(self.target.address, data), 16)

    def session(self, folder: Path) -> Session:
        """What a relayer is given."""
        return Session(
            run_id="test", backend="process", clock="virtual", genesis_time=self.genesis,
            chains={
                name: SessionChain(
                    name=name, network=name, chain_id=100 + index, rpc_url=url, contract=self.target.address,
                    rollup=ROLLUPS[name], finality=Finality(tag="finalized") if name == "one" else Finality(blocks=2),
                    start_block=1, block_time_ms=BLOCK_TIMES_S[name] * 1000, mines_empty_blocks=True,
                )
                for index, (name, url) in enumerate(self.urls.items())
            },
            accounts={"relayer": role_account("relayer").address}, key_file=str(folder / "keys.json"),
            store_path=str(folder / "relayer.sqlite"), state_numbering=FLAGS, abi=self.target.contract.abi,
        )  # fmt: skip


@contextmanager
def started(folder: Path, genesis: int = GENESIS) -> Iterator[Nodes]:
    """Both nodes up and the contract deployed; both gone afterwards."""
    target = deployable(compile_once(CONTRACT))
    with ExitStack() as stack:
        urls = {
            name: stack.enter_context(_node(100 + index, folder / name, genesis))
            for index, name in enumerate(BLOCK_TIMES_S)
        }
        yield Nodes(urls, target, genesis)


@contextmanager
def _node(chain_id: int, folder: Path, genesis: int) -> Iterator[str]:
    folder.mkdir()
    arguments = ["--no-mining", "--chain-id", str(chain_id), "--timestamp", str(genesis), "--slots-in-an-epoch", "1"]
    with bare_node([*arguments, "--cache-path", str(folder)], folder / "anvil.log") as port:
        yield f"http://127.0.0.1:{port}"
