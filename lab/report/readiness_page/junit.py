"""The rows as JUnit XML, for whatever shows test results: settled rows pass, FAIL fails, all others are skipped."""

from __future__ import annotations

from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from lab.html.text import clean
from lab.report.catalogue.rows import STAGES
from lab.report.records.report import Readiness
from lab.report.records.row_result import RowResult
from lab.report.records.row_verdict import RowVerdict


def junit(report: Readiness) -> str:
    """One suite a section, one case a row of the stage. A skipped case says why the row is open."""
    within = STAGES[: STAGES.index(report.stage) + 1]
    rows = [row for row in report.rows if row.stage in within]
    root = Element("testsuites", {"name": f"readiness {report.stage}", **_counts(rows)})
    for section, group in groupby(rows, key=lambda row: row.section):
        members = list(group)
        suite = SubElement(root, "testsuite", {"name": clean(section, 200), **_counts(members)})
        for row in members:
            case = SubElement(
                suite, "testcase", {"classname": row.id.split("-")[0], "name": f"{row.id} {clean(row.item, 200)}"}
            )
            said = {"message": clean(f"{row.verdict}: {row.reason}", 400)}
            if row.verdict is RowVerdict.FAIL:
                SubElement(case, "failure", said)
            elif row.is_open:
                SubElement(case, "skipped", said)
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _counts(rows: list[RowResult]) -> dict[str, str]:
    failed = sum(row.verdict is RowVerdict.FAIL for row in rows)
    settled = sum(not row.is_open for row in rows)
    return {
        "tests": str(len(rows)),
        "failures": str(failed),
        "errors": "0",
        "skipped": str(len(rows) - failed - settled),
    }
