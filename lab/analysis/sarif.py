"""Findings as SARIF 2.1.0, which code hosts and editors show at their lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import lab
from lab.analysis.analyse import Analysis
from lab.analysis.finding import Finding, Severity
from lab.analysis.rules import RULES

LEVELS = {Severity.HIGH: "error", Severity.MEDIUM: "warning", Severity.LOW: "note"}


def to_sarif(analysis: Analysis, base: Path) -> dict[str, Any]:
    """Places are relative to `base` where they lie below it."""
    foreign = sorted({finding.rule for finding in analysis.findings} - {rule.name for rule in RULES})
    rules = [{"id": rule.name, "shortDescription": {"text": rule.demand}} for rule in RULES]
    rules += [{"id": name, "shortDescription": {"text": f"{name}, by slither"}} for name in foreign]
    driver = {"name": "Tesseract Lab", "version": lab.__version__, "rules": rules}
    results = [_result(finding, base) for finding in analysis.findings]
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }


def _result(finding: Finding, base: Path) -> dict[str, Any]:
    uri = Path(os.path.relpath(finding.file, base)).as_posix()
    region = {"startLine": finding.line, "startColumn": finding.column}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
    }
    if finding.accepted:
        result["suppressions"] = [{"kind": "inSource", "justification": finding.accepted}]
    return result
