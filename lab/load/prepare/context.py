"""What a run folder says of a run beside its plan: made before the load, read by the reckoning after it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from lab.load.prepare.capacity import Ceiling
from lab.load.prepare.prepare import LegFacts, Prepared
from lab.load.prepare.targets import Target
from lab.load.profile.profile import LoadProfile
from lab.model.names import ContractNames

CONTEXT = "context.json"


class ContextChain(BaseModel):
    """One chain, as it was when the load began."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str
    chain_id: int
    contract: str
    block_time_ms: int
    synthetic: bool
    first_block: int
    transaction_count: int | None
    ceiling: dict[str, Any]

    def ceiling_of(self, name: str) -> Ceiling:
        """See `Ceiling`."""
        return Ceiling(chain=name, **self.ceiling)


class Context(BaseModel):
    """The file. `made_of` is what the manifest of a scenario run holds: backend, contract, versions, host."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    run_id: str
    command: str
    name: str
    description: str
    profile: dict[str, Any]
    chains: dict[str, ContextChain]
    legs: tuple[dict[str, Any], ...]
    operators: dict[str, int]
    workers: int
    signing: dict[str, Any]
    abi: list[dict[str, Any]]
    names: ContractNames = ContractNames()
    relayer: Literal["none", "reference", "command"] = "none"
    made_of: dict[str, Any] = {}

    def leg_facts(self) -> list[LegFacts]:
        """The plan's legs."""
        return [LegFacts(**leg) for leg in self.legs]

    def write(self, folder: Path) -> None:
        """Into the run's folder."""
        (folder / CONTEXT).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Context:
        """Raises OSError, or pydantic's ValidationError."""
        return cls.model_validate_json((folder / CONTEXT).read_text(encoding="utf-8"))


def context_of(
    prepared: Prepared,
    targets: dict[str, Target],
    *,
    run_id: str,
    command: str,
    relayer: Literal["none", "reference", "command"],
    made_of: dict[str, Any],
) -> Context:
    """Take down the state of the chains now: the load begins right after it."""
    profile: LoadProfile = prepared.profile
    chains = {}
    for name, target in targets.items():
        ceiling = prepared.ceilings[name]
        chains[name] = ContextChain(
            network=target.network,
            chain_id=target.chain_id,
            contract=target.contract,
            block_time_ms=target.block_time_ms,
            synthetic=target.synthetic,
            first_block=target.rpc.block_number() + 1,
            transaction_count=target.transaction_count(),
            ceiling={
                "network": ceiling.network,
                "gas_limit": ceiling.gas_limit,
                "gas_per_call": ceiling.gas_per_call,
                "block_time_ms": ceiling.block_time_ms,
                "synthetic": ceiling.synthetic,
            },
        )
    signing, codec = prepared.signing, next(iter(targets.values())).codec
    return Context(
        run_id=run_id,
        command=command,
        name=profile.name,
        description=profile.description,
        profile=profile.model_dump(mode="json", by_alias=False),
        chains=chains,
        legs=tuple({name: getattr(leg, name) for name in leg.__slots__} for leg in prepared.legs),
        operators=prepared.operators,
        workers=prepared.workers,
        signing={
            "backend": signing.backend,
            "signed": signing.signed,
            "cached": signing.cached,
            "seconds": round(signing.seconds, 3),
            "processes": signing.processes,
            "per_second": None if signing.per_second is None else round(signing.per_second, 1),
        },
        abi=codec.abi,
        names=codec.names,
        relayer=relayer,
        made_of=made_of,
    )
