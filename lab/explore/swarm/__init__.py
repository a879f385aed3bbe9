"""Random cases: drawn from a seed, run, and shrunk where they fail."""
