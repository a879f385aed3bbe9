"""What is to be done on each network, and what it would cost."""
