"""What a contract says: its events, and why it reverts."""
