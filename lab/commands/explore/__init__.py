"""The commands that call many runs, `lab swarm` and `lab mutate`, and `lab merge`, which joins their results."""
