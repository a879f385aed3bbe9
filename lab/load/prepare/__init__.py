"""Before the load: targets, capacity, accounts, and the plan that is signed ahead."""
