"""Static analysis of a Vyper contract: rules over the compiler's syntax tree, slither where it knows the release."""
