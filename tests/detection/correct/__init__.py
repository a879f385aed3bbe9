"""Correct contracts in other styles than the reference: the lab must find nothing wrong with them."""
