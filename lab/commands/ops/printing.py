"""How the commands of `lab ops` show plans and reports on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from lab.errors import printable
from lab.ops.operation import Operation
from lab.ops.planning import Plan, plan_lines
from lab.ops.report import AUDIT, EVIDENCE, ChainReport, Report


def print_plans(plans: Sequence[Plan]) -> None:
    """What would be done, chain by chain."""
    for plan in plans:
        print("\n".join(plan_lines(plan)), file=sys.stderr)


def ask_to_send(plans: Sequence[Plan]) -> bool:
    """Show the plans, and ask; no terminal means no."""
    print_plans(plans)
    if not sys.stdin.isatty():
        print("nothing was sent: say --yes to send without a question", file=sys.stderr)
        return False
    count = sum(len(plan.calls) for plan in plans if plan.sendable)
    print(f"Send {count} calls? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def show(reports: Sequence[Report], operation: Operation, *, as_json: bool) -> int:
    """Print reports; the exit code of the worst."""
    code = max((report.exit_code for report in reports), default=0)
    if as_json:
        documents = [report.document() for report in reports]
        print(json.dumps({"exit_code": code, "reports": documents}, indent=2))
        return code
    for report in reports:
        for chain in report.chains:
            _print_chain(report, chain)
    if reports:
        print(f"evidence: {operation.folder / reports[-1].id / EVIDENCE}")
    if any(chain.results for report in reports for chain in report.chains):
        print(f"audit log: {operation.folder / AUDIT}")
    return code


def _print_chain(report: Report, chain: ChainReport) -> None:
    effective = "" if chain.effective_s is None else f", in effect after {chain.effective_s:.1f} s"
    print(f"{chain.chain}: {report.procedure}: {chain.standing} ({chain.seconds:.1f} s{effective})")
    if chain.after is not None and (asked := ", ".join(chain.after.operators)):
        operators = ", ".join(chain.after.operator_list)
        print(f"  operators {operators}" if operators else f"  no operator among {asked}")
    for result in chain.results:
        where = f"{result.tx} in block {result.block}" if result.block is not None else result.tx or result.path or ""
        print(f"  {result.outcome:<9} {result.call.text} {where}".rstrip())
    for line in dict.fromkeys([*chain.plan.notes, *chain.plan.problems, *chain.left]):
        print(f"  {printable(line)}")
