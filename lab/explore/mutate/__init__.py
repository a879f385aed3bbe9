"""Mutants of the contract, and whether the library notices them."""
