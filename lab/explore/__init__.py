"""Random cases, and mutants of the contract: what nobody wrote."""
