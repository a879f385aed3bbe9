"""What a run writes down for those who drive it and those who analyse it."""
