"""`lab up`: the supervisor, what it writes down, and how it is controlled."""
