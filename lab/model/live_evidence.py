"""What a deployment left on the networks, as `lab live` writes it and the readiness report reads it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field

from lab.bounded_files import UnfitFile, read_model, write_atomically
from lab.model.chain.genesis import genesis_hash
from lab.model.frozen import Frozen

EVIDENCE = "evidence.json"
Kind = Literal["live", "rehearsal"]
DEVELOPMENT_NODES = ("anvil", "hardhat", "ganache", "ethereumjs", "tesseract")
ENDPOINTS_FOR_LIVE = 2
# A transaction that is in no block after so many seconds is called stuck, and replaced.
STUCK_S = 90.0
# An amount in wei, as a decimal number in text.
WEI = r"^[0-9]{1,40}$"


def is_development_node(client: str) -> bool:
    """Whether a node that calls itself this runs chains of its own."""
    return any(name in client.lower() for name in DEVELOPMENT_NODES)


class Transaction(Frozen):
    """One step that is in a final block."""

    step: str
    tx: str
    block: int
    block_hash: str
    gas_used: int
    fee_wei: str = Field(default="0", pattern=WEI, description="what was paid for it, in wei, data fees included")
    waited_s: float | None = Field(default=None, description="from sending it until it was seen in a block")


UNKNOWN = "unknown: "


def is_unknown(outcome: str) -> bool:
    """Whether something could not be tried or asked, which speaks neither for the contract nor against it."""
    return outcome.startswith("unknown")


class NetworkEvidence(Frozen):
    """One network. `doubts` says why it is no live evidence; `differences` where it is not as declared."""

    network: str
    profile: str
    title: str
    chain_id: int
    testnet: bool
    kind: Kind
    doubts: tuple[str, ...] = ()
    genesis_hash: str = ""
    client: str = ""
    endpoints_agree: int = 0
    address: str = ""
    code_sha256: str = ""
    owner: str = ""
    operators: tuple[str, ...] = ()
    window_s: int | None = None
    differences: tuple[str, ...] = ()
    transactions: tuple[Transaction, ...] = ()
    funded_wei: str = Field(default="0", pattern=WEI, description="the most that the deployer was seen to have, in wei")
    budget_wei: str = Field(
        default="0", pattern=WEI, description="estimated cost times the margin, before it began, in wei"
    )
    events: dict[str, int] = Field(default_factory=dict, description="event -> how often the monitor's scan saw it")
    verified: dict[str, str] = Field(default_factory=dict, description="explorer -> exact, partial, or what it said")
    variables: tuple[str, ...] = Field(default=(), description="environment variables that were there, by name only")
    services: dict[str, str] = Field(default_factory=dict, description="exporter, documents -> ok, or what is wrong")
    reverted: int = Field(default=0, ge=0, description="transactions that reverted")
    nonces_lost: int = Field(default=0, ge=0, description="transactions whose nonce another transaction took")
    smoke: dict[str, str] = Field(default_factory=dict, description="part of the smoke run -> ok, or what happened")
    problem: str | None = None

    @property
    def paid_wei(self) -> int:
        """What the steps cost together."""
        return sum(int(one.fee_wei) for one in self.transactions)

    @property
    def contradiction(self) -> str:
        """Why it is no live evidence by its own facts, although it says that it is; empty where nothing is."""
        known = genesis_hash(self.profile)
        if self.kind != "live":
            return ""
        if self.doubts:
            return f"it has doubts: {self.doubts[0]}"
        if not self.genesis_hash or known not in (None, self.genesis_hash):
            return f"its genesis block is {self.genesis_hash or 'not on record'}, that of {self.profile} is {known}"
        if is_development_node(self.client):
            return f"its node is a development node ({self.client[:60]})"
        if self.endpoints_agree < ENDPOINTS_FOR_LIVE:
            return f"{self.endpoints_agree} endpoints agree, {ENDPOINTS_FOR_LIVE} have to"
        return ""


class LiveEvidence(Frozen):
    """The whole file, `evidence.json`."""

    schema_version: Literal[1] = 1
    kind: Kind
    made: str
    file: str
    contract: str
    compiler: str
    bytecode_sha256: str
    source_sha256: str
    commit: str
    deployer: str
    networks: tuple[NetworkEvidence, ...]
    digest: str = Field(default="", description="sha256 of all the rest: shows an accident, and stops no forger")

    @property
    def live(self) -> dict[str, NetworkEvidence]:
        """The networks that it is live evidence of, by their profiles: of a rehearsal none, of two the first."""
        networks = reversed(self.networks) if self.kind == "live" else ()
        return {network.profile: network for network in networks if network.kind == "live"}

    def write(self, folder: Path) -> Path:
        """Write `evidence.json`, with its digest; its path."""
        path = folder / EVIDENCE
        whole = self.model_copy(update={"digest": self._digest()})
        write_atomically(path, whole.model_dump_json(indent=2) + "\n")
        return path

    @classmethod
    def read(cls, path: Path) -> LiveEvidence:
        """Raises OSError, UnfitFile, the latter for a file that was changed after it was written, too."""
        read = read_model(path, cls)
        if read.digest != read._digest():
            raise UnfitFile(path, "expected the evidence as it was written, it was changed afterwards: write it anew")
        if wrong := read._contradiction():
            raise UnfitFile(path, f"expected facts that agree, it was changed afterwards: {wrong}")
        return read

    def _contradiction(self) -> str:
        wrong = ((network.network, network.contradiction) for network in self.networks)
        return next((f"{name} is called live, and {text}" for name, text in wrong if text), "")

    def _digest(self) -> str:
        return hashlib.sha256(self.model_dump_json(exclude={"digest"}).encode()).hexdigest()
