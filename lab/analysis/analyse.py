"""The whole analysis of one source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.analysis.accepted import with_reasons
from lab.analysis.finding import Finding, Severity
from lab.analysis.program import read_program
from lab.analysis.rules import RULES
from lab.analysis.slither import SLITHER_VERSION, reads, run_slither
from lab.deploy.artifacts.contract_file import split_name
from lab.deploy.vyper.source import read_source
from lab.errors import UsageError


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found, worst first, and the tools that looked."""

    path: Path
    tools: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def open(self) -> list[Finding]:
        """High findings that nobody accepted."""
        return [finding for finding in self.findings if finding.severity is Severity.HIGH and not finding.accepted]


def analyse(path: Path) -> Analysis:
    """Run every rule over a source, and slither where it reads the release.

    Raises UsageError for anything but a Vyper source, CompileFailure for one that does not compile, EnvironmentFailure
    where a compiler or slither cannot be run.
    """
    path, _ = split_name(path)
    if path.suffix != ".vy":
        raise UsageError(f"{path}: expected a Vyper source (.vy): an artifact has no syntax tree to look at")
    source = read_source(path)
    program = read_program(source)
    findings = [finding for rule in RULES for finding in rule.check(program)]
    tools = [f"{len(RULES)} rules of the lab over the syntax tree of vyper {source.compiler_version}"]
    if reads(source):
        findings += run_slither(source)
        tools.append(f"slither {SLITHER_VERSION}")
    order = list(Severity)
    ranked = sorted(
        with_reasons(findings), key=lambda one: (order.index(one.severity), str(one.file), one.line, one.rule)
    )
    return Analysis(source.path, tuple(tools), tuple(ranked))
