"""Figures of a run, computed from its history alone: latency, throughput, gas and cost."""

from lab.metrics.summary import summarise

__all__ = ["summarise"]
