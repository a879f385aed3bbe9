"""What a network is made of: fees and finality of a chain, and prices."""
