"""From failures to their causes: symptoms of each run, what follows from what, one cause for all that share a root."""
