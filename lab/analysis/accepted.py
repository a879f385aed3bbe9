"""Findings that the source itself answers for: `# lab: accept[RULE] REASON` on the line or in those right above it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from lab.analysis.finding import Finding
from lab.deploy.text import read_text

_ACCEPT = re.compile(r"#\s*lab:\s*accept\[(?P<rule>[\w-]+)\]\s*(?P<reason>.*)$")


def with_reasons(findings: Iterable[Finding]) -> list[Finding]:
    """The same findings, each with the reason that the source gives. Without a reason nothing is accepted."""
    return [replace(finding, accepted=_reason(finding)) for finding in findings]


def _reason(finding: Finding) -> str:
    lines = _lines(finding.file)
    if finding.line > len(lines):
        return ""
    candidates = [lines[finding.line - 1]]
    above = finding.line - 2
    while above >= 0 and (text := lines[above].strip()).startswith(("#", "@")):
        candidates.append(text)
        above -= 1
    for text in candidates:
        match = _ACCEPT.search(text)
        if match is not None and match.group("rule") == finding.rule:
            return match.group("reason").strip()
    return ""


@cache
def _lines(file: Path) -> list[str]:
    return read_text(file).splitlines()
