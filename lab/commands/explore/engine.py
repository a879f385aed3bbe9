"""The engine that a command line asks for."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from lab.commands.explore.requests import EngineChoice, MutateRequest, SwarmRequest
from lab.errors import EnvironmentFailure, UsageError
from lab.explore.dask.cluster import ADVICE, check_address
from lab.explore.dask.engine import DaskEngine
from lab.explore.processes import spread
from lab.explore.workers import Engine


def check_engine(request: SwarmRequest | MutateRequest) -> None:
    """Raises UsageError for options that do not go together, EnvironmentFailure without what the engine needs."""
    if request.engine is EngineChoice.local:
        if request.scheduler is not None:
            raise UsageError(f"--scheduler {request.scheduler}: expected --engine dask with it")
        return
    if request.scheduler is None:
        raise UsageError("--engine dask: expected the address of the cluster's scheduler: --scheduler tcp://HOST:8786")
    check_address(request.scheduler)
    if find_spec("distributed") is None:
        raise EnvironmentFailure(f"--engine dask: expected Dask's package distributed, found none: {ADVICE}")


def engine_of(request: SwarmRequest | MutateRequest, run_id: str, made_with: dict[str, str]) -> Engine:
    """Of a request that was checked."""
    if request.scheduler is None:
        return partial(spread, jobs=request.jobs)
    return DaskEngine(request.scheduler, run_id, made_with)


def usage_of(engine: Engine) -> str | None:
    """How well a cluster's workers were used; None for processes of this machine, which are never without a task."""
    return f"workers  {engine.usage}" if isinstance(engine, DaskEngine) else None
