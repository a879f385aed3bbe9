"""The mutation score as one bar: caught, survived, and not decided."""

from __future__ import annotations

from lab.report.charts.svg import BAD, GOOD, UNSURE, WIDTH, box, picture, text
from lab.report.verdicts import Readiness

_PARTS = (("killed", "caught", GOOD), ("survived", "survived", BAD), ("undecided", "not decided", UNSURE))


def mutation_chart(report: Readiness) -> str:
    """Empty where no mutation run is recorded."""
    counts = report.measured.mutation
    total = sum(counts.values())
    if not total:
        return ""
    body, x, y = [], 8.0, 34.0
    killed = counts.get("killed", 0)
    body.append(text(8, 20, f"{killed} of {total} mutants caught, {100 * killed / total:.0f}%", weight=600))
    for name, word, paint in _PARTS:
        wide = (WIDTH - 16) * counts.get(name, 0) / total
        if wide:
            body.append(box(x, y, wide - 2, 20, paint=paint, faint=0.85, title=f"{counts[name]} {word}"))
            body.append(text(x, y + 36, f"{counts[name]} {word}", size=11.5, muted=True))
        x += wide
    return picture("Mutants caught", 78, body)
