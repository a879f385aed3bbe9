"""The mutation score as one bar: caught, survived, and not decided."""

from __future__ import annotations

from lab.html.svg import BAD, GOOD, UNSURE, WIDTH, box, picture, text
from lab.report.records.report import Readiness

_PARTS = (("killed", "caught", GOOD), ("survived", "survived", BAD), ("undecided", "not decided", UNSURE))


def mutation_chart(report: Readiness) -> str:
    """Empty where no mutation run is recorded."""
    counts = report.measured.mutation
    total = sum(counts.values())
    if not total:
        return ""
    killed = counts.get("killed", 0)
    body = [text(8, 20, f"{killed} of {total} mutants caught, {100 * killed / total:.0f}%", weight=600)]
    x = 8.0
    for place, (name, word, colour) in enumerate(_PARTS):
        wide = (WIDTH - 16) * counts.get(name, 0) / total
        if wide:
            body.append(box(x, 34, max(2.0, wide - 2), 20, colour=colour, faint=0.85, title=f"{counts[name]} {word}"))
        body.append(box(8 + 140 * place, 65, 10, 10, colour=colour, faint=0.85, round_=2))
        body.append(text(24 + 140 * place, 74, f"{counts.get(name, 0)} {word}", size=11.5, muted=True))
        x += wide
    return picture("Mutants caught", 84, body)
