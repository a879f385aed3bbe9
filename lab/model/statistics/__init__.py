"""Binomial intervals and percentiles, computed once for every report."""
