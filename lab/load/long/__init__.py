"""Load for hours and days, in stretches: each is a run of its own, and what is done survives the lab's own end."""
