"""What must be shown: the rows of the checklist with their proofs, the criteria, and lint of what scenarios claim."""
