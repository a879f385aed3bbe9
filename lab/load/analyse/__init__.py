"""Afterwards: every transaction reconciled with the chain, figures, and a verdict for each criterion."""
