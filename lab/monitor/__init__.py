"""Monitoring of a running deployment: what it exports, when it alerts, what its dashboards show.

A pure step turns each chain into samples (scan, memory, samples) with the clock handed in. The exporter repeats it on
the wall clock, a run on its own; rules and dashboards know names of metrics only.
"""
