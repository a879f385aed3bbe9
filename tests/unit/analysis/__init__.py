"""Static analysis of contracts."""
