"""The client's side of a Dask cluster: which workers there are, requests to one of them, answers as they arrive."""

from __future__ import annotations

import logging
import pickle
import re
import secrets
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from lab.errors import EnvironmentFailure, LabError, UsageError, system_words
from lab.explore.bench_process import outcome_of
from lab.explore.dask import hosting

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECTED_WITHIN_S = 10.0
CLOSED_WITHIN_S = 10.0
ADVICE = "install the extra, here and on every worker: pip install 'tesseract-lab[scale]'"


class ClusterLost(LabError):
    """The scheduler is gone, or there is no worker left."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of the request of this number. `died`: the process that was at it is gone, or its worker."""

    number: int
    address: str
    outcome: Any = None
    error: LabError | None = None
    died: bool = False
    seconds: float = 0.0


def check_address(text: str) -> None:
    """Raises UsageError for what is no address of a scheduler."""
    if not re.fullmatch(r"(tcp|tls)://[^\s/]+:[0-9]{1,5}", text):
        raise UsageError(
            f"--scheduler {text}: expected the address that `dask scheduler` prints, such as tcp://127.0.0.1:8786"
        )


@contextmanager
def connected(address: str, run_id: str) -> Iterator[Cluster]:
    """The cluster of this scheduler; in the end every worker closes what this run opened. Raises EnvironmentFailure."""
    from distributed import Client

    # What its loggers would say of a lost scheduler is said once, by ClusterLost.
    for name in [name for name in logging.root.manager.loggerDict if name.partition(".")[0] == "distributed"]:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=CONNECTED_WITHIN_S, set_as_default=False, name="tesseract-lab")
    except (OSError, ValueError) as error:
        raise EnvironmentFailure(
            f"{address}: expected a Dask scheduler, none answers: {system_words(error)}. Start one with `dask "
            "scheduler`, and workers in folders with this project: `dask worker ADDRESS --nthreads 1`"
        ) from error
    cluster = Cluster(client, address, f"{run_id}-{secrets.token_hex(4)}")
    try:
        yield cluster
    finally:
        cluster.close()


@dataclass
class Cluster:
    """A client, and the name under which workers know this run."""

    client: Client
    address: str
    run: str
    _arrivals: SimpleQueue[Callable[[], Arrival]] = field(default_factory=SimpleQueue)
    _count: int = 0

    def workers(self) -> dict[str, str]:
        """What to call each, by address. Raises ClusterLost."""
        if self.client.status != "running":
            raise self._lost()
        try:
            # Asked for here, since what the client remembers of it may just have been replaced by one without workers.
            scheduler: Any = self.client.scheduler
            known = self.client.sync(scheduler.identity, n_workers=-1)["workers"]
        except Exception as error:
            raise self._lost() from error
        names = {address: str(worker.get("name") or address) for address, worker in known.items()}
        return {address: name if name == address else f"{name} ({address})" for address, name in names.items()}

    def ask(self, address: str, function: Callable[..., hosting.Answer], *messages: Any) -> int:
        """Let one worker do it: the number of the request."""
        self._count += 1
        number, packed = self._count, map(pickle.dumps, messages)
        future = self.client.submit(
            function, self.run, *packed, workers=[address], allow_other_workers=False, pure=False
        )
        future.add_done_callback(lambda done: self._arrivals.put(partial(self._arrival, number, address, done)))
        return number

    def arrival(self, within_s: float) -> Arrival | None:
        """The next one, if it comes within so long. Raises ClusterLost."""
        try:
            arrived = self._arrivals.get(timeout=within_s)
        except Empty:
            return None
        return arrived()

    def close(self) -> None:
        """Every worker closes what this run opened; a task that one is at is ended."""
        there = self.client.status == "running"
        if there:
            _bounded(lambda: self.client.run(hosting.leave, self.run, on_error="ignore"), CLOSED_WITHIN_S)
        # Where the scheduler is gone there is nobody to wait for.
        _bounded(lambda: self.client.close(timeout=CLOSED_WITHIN_S), CLOSED_WITHIN_S if there else 0)

    def _arrival(self, number: int, address: str, future: Future[hosting.Answer]) -> Arrival:
        from distributed import KilledWorker

        try:
            reply, seconds = future.result(timeout=CONNECTED_WITHIN_S)
        except KilledWorker:
            return Arrival(number, address, died=True)
        except CancelledError as error:
            raise self._lost() from error
        except Exception as error:
            if self.client.status != "running":
                raise self._lost() from error
            # Where the lab is missing, or is another one, Dask does not get as far as the lab's own words.
            return Arrival(number, address, error=EnvironmentFailure(f"{type(error).__name__}: {error}"))
        finally:
            future.release()
        if reply is None:
            return Arrival(number, address, died=True)
        try:
            return Arrival(number, address, outcome_of(reply), seconds=seconds)
        except LabError as error:
            return Arrival(number, address, error=error)

    def _lost(self) -> ClusterLost:
        return ClusterLost(f"the Dask scheduler at {self.address} is gone, or cannot be reached any more")


def _bounded(action: Callable[[], object], within_s: float) -> None:
    """A cluster that is half gone may never answer."""

    def quietly() -> None:
        with suppress(Exception):
            action()

    thread = threading.Thread(target=quietly, daemon=True)
    thread.start()
    thread.join(within_s)
