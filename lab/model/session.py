"""The one schema of a running lab: `session.json`. `lab up`, load files and any relayer read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from lab.bounded_files import read_model, write_atomically
from lab.errors import UsageError
from lab.model.chain.finality import Finality
from lab.model.contract.abi import WholeAbi
from lab.model.contract.names import ContractNames
from lab.model.frozen import Frozen
from lab.model.redacted import redact_url
from lab.model.under_test import UnderTest

# How many seconds of chain time may pass in one of the wall's.
SPEED_MAX = 50
# What a relayer is started with where session and keys are for the user's own programs, too.
GUEST_SESSION, GUEST_KEYS = "relayer-session.json", "relayer-keys.json"
# What the user's own programs are started with during a run: they act for any role.
PROGRAM_SESSION, PROGRAM_KEYS = "program-session.json", "program-keys.json"
# The roles whose keys a relayer is handed: its own, an operator on every chain.
GUESTS = ("relayer",)


def parse_speed(text: str, source: str = "--speed") -> float:
    """A factor from 1 to 50. Raises UsageError."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 1 <= speed <= SPEED_MAX:
        raise UsageError(
            f"{source}: expected a number from 1 to {SPEED_MAX}, of seconds of chain time in one of the wall's; "
            f"got {text!r}"
        )
    return speed


def _address(url: str) -> str:
    """An address that a client can be made for, or the name of a gate inside of a run."""
    try:
        parts = urlsplit(url)
        good = parts.scheme == "gate" or (parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        good = False
    if not good:
        raise ValueError(f"expected http://HOST:PORT, got {redact_url(url)[:200]!r}")
    return url


class SessionChain(Frozen):
    """How to reach one chain. In a run under faults all URLs lead through the fault layer."""

    name: str
    network: str
    chain_id: int
    rpc_url: Annotated[str, AfterValidator(_address)]
    fallback_rpc_urls: tuple[Annotated[str, AfterValidator(_address)], ...] = Field(
        default=(), description="further endpoints of the chain, the preferred first: for when rpc_url is in trouble"
    )
    contract: str
    rollup: str = Field(description="the address that stands for this chain inside the contracts")
    finality: Finality
    start_block: int = Field(description="the block of the deployment: nothing before it is of interest")
    block_time_ms: int
    mines_empty_blocks: bool
    min_tip_wei: int = 0
    replacement_bump_percent: int = 10
    operators: tuple[str, ...] | None = Field(
        default=None, description="accounts that set-up left as operators, in lower case; null where it is not known"
    )

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """All endpoints, the preferred first."""
        return (self.rpc_url, *self.fallback_rpc_urls)


class Session(Frozen):
    """Everything a relayer or a load generator needs. `accounts` maps roles to addresses, keys stand in `key_file`."""

    schema_version: Literal[1] = 1
    run_id: str
    backend: str
    clock: Literal["virtual", "real"]
    speed: float = Field(default=1.0, description="seconds of chain time in one of the wall's, from genesis_time on")
    genesis_time: int
    chains: dict[str, SessionChain]
    accounts: dict[str, str]
    key_file: str = Field(description="JSON object: role -> private key, readable by the owner only")
    relayer_role: str = "relayer"
    store_path: str
    poll_interval_ms: int = 2000
    rpc_timeout_ms: int = 5000
    execution_order: Literal["ready", "executed"] = "ready"
    state_numbering: dict[str, int] = Field(description="state name -> number, as this contract returns it")
    abi: WholeAbi
    names: ContractNames = Field(default_factory=ContractNames, description="where the contract's names differ")
    under_test: UnderTest | None = Field(default=None, description="contract, relayer and project, for people")
    project: str | None = Field(default=None, description="the lab.yaml in force, if there is one")

    def chain_time(self, wall_s: float) -> float:
        """The chains' time, in unix seconds, when the machine's clock reads `wall_s`: at genesis they agree."""
        return self.genesis_time + (wall_s - self.genesis_time) * self.speed

    def write(self, path: Path) -> None:
        """Write the file whole or not at all."""
        write_atomically(path, self.model_dump_json(indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Session:
        """Raises OSError, or UnfitFile for a file of another shape."""
        return read_model(path, cls)
