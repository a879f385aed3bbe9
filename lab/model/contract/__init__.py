"""What is known of a contract beyond the documented interface: its names, its capabilities."""
