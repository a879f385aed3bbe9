"""What a scenario needs of the contract under test; without it, it is not exercised."""
