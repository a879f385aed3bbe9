"""Reads chains: heads, logs, finality, and what a scan means for the ledger."""
