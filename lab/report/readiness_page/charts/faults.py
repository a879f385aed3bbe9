"""Kinds of fault against phases of a flow: a cell for each combination that the lab has tried."""

from __future__ import annotations

from lab.html.svg import BAD, BLUE, GREY, WIDTH, box, picture, text
from lab.html.text import clean, plural
from lab.report.evidence.fault_phases import PHASES
from lab.report.records.report import Readiness

LEFT, ROW, TOP = 150, 30, 30


def fault_chart(report: Readiness) -> str:
    """Empty where no fault acted."""
    cells = {(cell.fault, cell.phase): cell for cell in report.measured.faults}
    kinds = sorted({fault for fault, _ in cells})
    if not kinds:
        return ""
    wide = (WIDTH - LEFT - 8) / len(PHASES)
    most = max(cell.runs for cell in cells.values())
    body = [
        text(LEFT + wide * (column + 0.5), 16, phase, anchor="middle", size=11.5, muted=True)
        for column, phase in enumerate(PHASES)
    ]
    for row, kind in enumerate(kinds):
        y = TOP + ROW * row
        body.append(text(LEFT - 12, y + 19, clean(kind, 24), anchor="end"))
        for column, phase in enumerate(PHASES):
            cell = cells.get((kind, phase))
            x = LEFT + wide * column + 2
            if cell is None:
                body.append(
                    box(x, y + 2, wide - 4, ROW - 4, colour=GREY, faint=0.1, title=f"{kind}, {phase}: not tried")
                )
                continue
            said = f"{kind}, {phase}: {plural(cell.runs, 'run')}, {cell.failed:,} not passed"
            faint = 0.18 + 0.32 * cell.runs / most
            body.append(box(x, y + 2, wide - 4, ROW - 4, colour=BAD if cell.failed else BLUE, faint=faint, title=said))
            count = f"{cell.runs}" if not cell.failed else f"{cell.failed} of {cell.runs}"
            body.append(text(x + wide / 2 - 2, y + 19, count, anchor="middle", weight=600))
    return picture("Faults by the phase in which they acted", TOP + ROW * len(kinds) + 6, body)
