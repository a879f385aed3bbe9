"""`lab contract`: what a contract offers of the documented interface, and whether its core operations ever succeed."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.session.suite import new_run_id, open_suite
from lab.session.under_test import system_under_test


def show_contract(path: Path | None, backend: str, image: str | None) -> int:
    """Print the report; 1 if an operation never succeeds, or the contract cannot be deployed."""
    system = system_under_test(contract=path, relayer_cmd=None)
    suite = open_suite(
        run_id=new_run_id(),
        backend=backend,  # type: ignore[arg-type]  # the command line lets only backends through
        image=image,
        system=system,
        notify=lambda text: print(text, file=sys.stderr),
        smoke=True,
    )
    try:
        print("\n".join([suite.under_test.line, *suite.contract_lines()]))
    finally:
        suite.close()
    return 1 if suite.smoke is not None and suite.smoke.failure is not None else 0
