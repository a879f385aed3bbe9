"""What the evidence amounts to: row by row, criterion by criterion, and as a decision for each stage."""
