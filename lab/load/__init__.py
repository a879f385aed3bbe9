"""Load: runs on networks at a rate, reconciled with the chains and judged by declared criteria."""
