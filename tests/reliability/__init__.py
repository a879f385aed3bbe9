"""Kills, mutants, forgeries, canaries and sockets: what the lab withstands."""
