"""What a run folder says of a run beside its plan: made before the load, read by the analysis after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator

from lab.bounded_files import read_model
from lab.load.prepare.capacity import Ceiling
from lab.load.prepare.made_of import MadeOf
from lab.load.prepare.prepare import Prepared
from lab.load.prepare.targets import Target
from lab.load.profile.profile import LoadProfile
from lab.load.profile.shapes import with_units
from lab.load.record.frozen import Frozen
from lab.load.record.plan import LegFacts
from lab.model.contract.abi import WholeAbi
from lab.model.contract.names import ContractNames

CONTEXT = "context.json"

RelayerKind = Literal["none", "reference", "command"]


class CeilingFacts(Frozen):
    """See `Ceiling`; the chain's name is the key in the file."""

    network: str
    gas_limit: int
    gas_per_call: int
    block_time_ms: int
    synthetic: bool


class ContextChain(Frozen):
    """One chain, as it was when the load began."""

    network: str
    chain_id: int
    contract: str
    block_time_ms: int
    synthetic: bool
    first_block: int
    transaction_count: int | None
    ceiling: CeilingFacts

    def ceiling_of(self, name: str) -> Ceiling:
        """See `Ceiling`."""
        return Ceiling(chain=name, **dict(self.ceiling))


class Signing(Frozen):
    """How the transactions were signed ahead; `per_second` is None where all of them were cached."""

    backend: str
    signed: int
    cached: int
    seconds: float
    processes: int
    per_second: float | None


class Context(Frozen):
    """The file. `made_of` is what the manifest of a scenario run holds: backend, contract, versions, host."""

    schema_version: Literal[1] = 1
    run_id: str
    command: str
    name: str
    description: str
    profile: Annotated[LoadProfile, BeforeValidator(with_units)]
    chains: dict[str, ContextChain]
    legs: tuple[LegFacts, ...]
    operators: dict[str, int]
    workers: int
    signing: Signing
    abi: WholeAbi
    names: ContractNames = ContractNames()
    relayer: RelayerKind = "none"
    made_of: MadeOf

    def write(self, folder: Path) -> None:
        """Into the run's folder."""
        (folder / CONTEXT).write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Context:
        """Raises OSError, or UnfitFile."""
        return read_model(folder / CONTEXT, cls)


def context_of(
    prepared: Prepared, targets: dict[str, Target], *, command: str, relayer: RelayerKind, made_of: MadeOf
) -> Context:
    """Take down the state of the chains now: the load begins right after it."""
    signing, codec = prepared.signing, next(iter(targets.values())).codec
    return Context(
        run_id=prepared.plan.run_id,
        command=command,
        name=prepared.profile.name,
        description=prepared.profile.description,
        profile=prepared.profile,
        chains={name: _chain(target, prepared.ceilings[name]) for name, target in targets.items()},
        legs=prepared.legs,
        operators=prepared.operators,
        workers=prepared.plan.workers,
        signing=Signing(
            backend=signing.backend,
            signed=signing.signed,
            cached=signing.cached,
            seconds=round(signing.seconds, 3),
            processes=signing.processes,
            per_second=None if signing.per_second is None else round(signing.per_second, 1),
        ),
        abi=codec.abi,
        names=codec.names,
        relayer=relayer,
        made_of=made_of,
    )


def _chain(target: Target, ceiling: Ceiling) -> ContextChain:
    return ContextChain(
        network=target.network,
        chain_id=target.chain_id,
        contract=target.contract,
        block_time_ms=target.block_time_ms,
        synthetic=target.synthetic,
        first_block=target.rpc.block_number() + 1,
        transaction_count=target.transaction_count(),
        ceiling=CeilingFacts(**{name: getattr(ceiling, name) for name in CeilingFacts.model_fields}),
    )
