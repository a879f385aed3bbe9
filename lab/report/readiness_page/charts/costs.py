"""What a transaction costs on each network, at low, typical and high prices, and what gas may cost at most."""

from __future__ import annotations

import math

from lab.html.figures import number
from lab.html.figures import usd as usd_text
from lab.html.svg import BAD, BLUE, GOOD, GREY, WIDTH, Scale, Stroke, dot, grid, line, linear, picture, target, text
from lab.html.text import clean
from lab.report.records.measured import CostView
from lab.report.records.report import Readiness

LEFT, RIGHT, ROW, TOP = 96, 190, 34, 30
LIMIT = 1.0


def cost_chart(report: Readiness) -> str:
    """Empty where no network has a price."""
    costs = [cost for cost in report.measured.costs if cost.usd]
    if not costs:
        return ""
    values = [usd for cost in costs for usd in cost.usd.values() if usd > 0]
    low = math.floor(math.log10(min(values)))
    high = max(1, math.ceil(math.log10(max([*values, LIMIT]))))
    height = TOP + ROW * len(costs) + 26
    place = linear(low, high, LEFT, WIDTH - RIGHT)

    def x(usd: float) -> float:
        return place(math.log10(max(usd, 10.0**low)))

    # So many labels would run into each other; every other one does, $1 among them.
    every = 1 if high - low <= 5 else 2
    ticks = [(10.0**power, usd_text(10.0**power) if power % every == 0 else "") for power in range(low, high + 1)]
    body = [*grid(x, ticks, TOP, height), *target(x(LIMIT), "target $1", TOP, height - 22)]
    for index, cost in enumerate(costs):
        body += _row(cost, TOP + ROW * index + ROW / 2, x)
    return picture("Cost of a transaction on each network", height, body)


def _row(cost: CostView, y: float, x: Scale) -> list[str]:
    parts = [text(LEFT - 12, y + 4, clean(cost.network, 16), anchor="end")]
    ordered = sorted(cost.usd.values())
    parts.append(line(x(ordered[0]), y, x(ordered[-1]), y, Stroke(GREY, 3, 0.4)))
    for level, usd in cost.usd.items():
        colour = BLUE if level != "typical" else GOOD if usd < LIMIT else BAD
        said = f"{cost.network}, {level} prices: {usd_text(usd)} for {cost.gas:,} gas"
        parts.append(dot(x(usd), y, colour=colour, hollow=level != "typical", title=said))
    typical = f"{usd_text(cost.usd['typical'])} typical" if "typical" in cost.usd else ""
    parts.append(text(WIDTH - RIGHT + 12, y - 2, typical, weight=600))
    gwei = number(float(f"{cost.break_even_gwei:.3g}"))
    parts.append(text(WIDTH - RIGHT + 12, y + 12, f"break-even {gwei} gwei", size=11.5, muted=True))
    return parts
