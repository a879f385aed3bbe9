"""`lab prune`: old runs go, their verdicts stay in the history of reports."""

from __future__ import annotations

from pathlib import Path

from lab.errors import UsageError
from lab.report.pruning import prune


def prune_results(results: Path, keep: int, dry_run: bool) -> None:
    """Remove, and name each folder that went."""
    if not results.is_dir():
        raise UsageError(f"{results}: expected the results folder, there is none")
    pruned = prune(results, keep, dry_run=dry_run)
    for folder in pruned.gone:
        print(f"{'would remove' if dry_run else 'removed'}   {folder}")
    for folder in pruned.needed:
        print(f"needed    {folder}")
    why = f", and {len(pruned.needed)} that hold the newest run of an item" if pruned.needed else ""
    print(f"{len(pruned.gone)} folders, the newest {keep} of each kind are kept{why}")
