"""`lab analyse`: static analysis of the contract under test."""

from __future__ import annotations

import json
from pathlib import Path

from lab.analysis.analyse import analyse
from lab.analysis.sarif import to_sarif
from lab.bounded_files import write_atomically
from lab.session.under_test import system_under_test


def show_analysis(path: Path | None, sarif: Path | None) -> int:
    """Print the findings, worst first; 1 if a high one is open."""
    system = system_under_test(contract=path, relayer_cmd=None)
    analysis = analyse(system.contract)
    print(system.described(system.contract.stem).line)
    for finding in analysis.findings:
        print(finding)
    accepted = sum(bool(finding.accepted) for finding in analysis.findings)
    tools = " and ".join(analysis.tools)
    print(f"{len(analysis.findings)} findings, {len(analysis.open)} high and open, {accepted} accepted ({tools})")
    if sarif is not None:
        write_atomically(sarif, json.dumps(to_sarif(analysis, Path.cwd()), indent=2) + "\n")
        print(f"SARIF in {sarif}")
    return 1 if analysis.open else 0
