"""Running chains: their nodes, what mines them, what watches them, and the clock of a run."""
