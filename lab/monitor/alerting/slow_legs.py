"""How a rule and a panel ask for the legs that were slower than the limit."""

from __future__ import annotations

from lab.monitor.metrics import PREFIX

EVALUATE_EVERY_S = 15
SLOW_SHARE_MAX = 0.05


def slow_share(limit_s: float, span: str, step: str, labels: str = "") -> str:
    """The share of legs that were slower than the limit, by pair, over `span`, in samples `step` apart.

    The difference is taken before the increase: of each alone Prometheus extrapolates another one.
    """
    name, bound = f"{PREFIX}cross_chain_delay_seconds", f"{limit_s:g}"
    # Prometheus 3 keeps a bound as 30.0.
    within = ",".join(filter(None, (labels, f'le=~"{bound}([.]0)?"')))
    every = f"{name}_count{{{labels}}}" if labels else f"{name}_count"
    slower = f"{every} - ignoring (le) {name}_bucket{{{within}}}"
    slow, all_ = (f"sum by (origin, target) (increase({what}[{span}:{step}]))" for what in (f"({slower})", every))
    return f"{slow} / {all_}"
