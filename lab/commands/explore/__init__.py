"""The commands that call many runs: `lab swarm` and `lab mutate`."""
