"""Where the contracts of Safe stand, by the published list, and what code they have there.

`deployments.json` is written from that list by `python -m tests.safe_deployments` and says of which version it is.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lab.bounded_files import read_model
from lab.model.frozen import Frozen

DEPLOYMENTS = Path(__file__).with_name("deployments.json")


class Published(Frozen):
    """One address: the keccak of the code there, and the ids of the chains that are known to have it."""

    code_keccak: str
    chains: tuple[int, ...]


class Deployments(Frozen):
    """The file. `versions`: version of Safe -> contract -> address in lower case."""

    source: str
    version: str
    license: str
    written_by: str
    versions: dict[str, dict[str, dict[str, Published]]]


@lru_cache(maxsize=1)
def deployments() -> Deployments:
    """The list."""
    return read_model(DEPLOYMENTS, Deployments)


def published(contract: str, version: str, chain_id: int | None = None) -> dict[str, Published]:
    """Address -> what stands there, of one version, on a chain or anywhere; empty for what nobody published."""
    known = deployments().versions.get(version.partition("+")[0], {}).get(contract, {})
    return {address: one for address, one in known.items() if chain_id is None or chain_id in one.chains}


def versions_of(contract: str, address: str, chain_id: int | None = None) -> tuple[str, ...]:
    """The versions of which that address is such a contract."""
    versions = deployments().versions
    return tuple(version for version in versions if address in published(contract, version, chain_id))
