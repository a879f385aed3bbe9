"""The scenarios that the lab brings, by which a proof is meant whoever else has files of the same names."""

from __future__ import annotations

from functools import cache, lru_cache

from lab.paths import DATA, SCENARIOS
from lab.report.catalogue.rows import Proof


@lru_cache(maxsize=4_096)
def library_scenarios(proof: Proof) -> frozenset[str]:
    """Those that a proof speaks of, as manifests name their files, but without suffix; empty for a user's own alone."""
    return frozenset(file.rpartition(".")[0] for file in _files() if proof.matches(file))


@cache
def _files() -> tuple[str, ...]:
    paths = [*SCENARIOS.rglob("*.yaml"), *SCENARIOS.rglob("test_*.py")]
    return tuple(sorted(path.relative_to(DATA).as_posix() for path in paths))
