"""What is read of the chains, remembered, and known: a poll after the other, the clock handed in."""
