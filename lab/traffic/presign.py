"""Signs ahead, in worker processes, into files that are kept: the same job is never signed twice.

A sender's transactions are one job, so that its nonces stay serial; the workers take whole jobs. The cache is keyed by
everything that goes into a signature: contract, chain, fees, call data, sender, nonces, salt.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import EnvironmentFailure
from lab.traffic.senders import load_account
from lab.traffic.signed_file import header, write_signed
from lab.traffic.signer import SignJob as SignJob  # what callers make jobs of
from lab.traffic.signer import require_fast_backend, sign_run

CACHE_BYTES_MAX = 2 << 30
SMALL_JOB = 2_000
"""Below so many transactions in all, starting processes takes longer than signing."""

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Presigned:
    """What a call of `presign` did."""

    files: tuple[Path, ...]
    signed: int
    cached: int
    seconds: float
    processes: int
    backend: str

    @property
    def per_second(self) -> float | None:
        """Transactions signed a second, None where all were cached."""
        return self.signed / self.seconds if self.signed and self.seconds else None


def presign(
    jobs: Sequence[SignJob], folder: Path, *, processes: int | None = None, progress: Progress | None = None
) -> Presigned:
    """Sign what is not there yet. `progress` is called with (done, all, seconds) as jobs end.

    Raises EnvironmentFailure where wallycore does not work, or the disk is full.
    """
    backend = require_fast_backend()
    begun = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    missing = [job for job in jobs if not _usable(job, folder)]
    requested = sum(job.count for job in missing)
    workers = min(processes or os.cpu_count() or 1, len(missing)) if requested > SMALL_JOB else min(1, len(missing))
    done = 0
    try:
        for count in _run(missing, folder, workers):
            done += count
            if progress:
                progress(done, requested, time.monotonic() - begun)
    except OSError as error:
        raise EnvironmentFailure(
            f"{folder}: cannot keep signed transactions: {error}. Free space there or set XDG_CACHE_HOME to another "
            "folder."
        ) from error
    files = tuple(job.path(folder) for job in jobs)
    for path in files:
        # Least recently used goes first when the cache is trimmed.
        os.utime(path)
    all_count = sum(job.count for job in jobs)
    return Presigned(files, requested, all_count - requested, time.monotonic() - begun, workers, backend)


def trim(folder: Path, bytes_max: int = CACHE_BYTES_MAX, *, keep: Sequence[Path] = ()) -> int:
    """Remove the files used longest ago until the folder is small enough; how many went."""
    kept = set(keep)
    sized = sorted(_with_sizes(folder), reverse=True)
    total = removed = 0
    for _, size, path in sized:
        total += size
        if total > bytes_max and path not in kept:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _with_sizes(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Last use (seconds since the epoch), bytes and path; another lab may trim the same folder meanwhile."""
    for path in folder.glob("*.signed"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            yield status.st_mtime, status.st_size, path


def _usable(job: SignJob, folder: Path) -> bool:
    path = job.path(folder)
    try:
        return path.is_file() and header(path) == (job.first_nonce, job.count)
    except Exception:
        # Whatever is wrong with a cached file, the cure is the same.
        path.unlink(missing_ok=True)
        return False


def _run(jobs: Sequence[SignJob], folder: Path, workers: int) -> Iterator[int]:
    work = [(job, folder) for job in jobs]
    if workers <= 1:
        yield from map(_sign, work)
        return
    # Spawned, not forked: the caller may have threads.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap_unordered(_sign, work)


def _sign(work: tuple[SignJob, Path]) -> int:
    job, folder = work
    run = sign_run(load_account(job.sender), job)
    write_signed(job.path(folder), run, first_nonce=job.first_nonce, count=job.count)
    return job.count
