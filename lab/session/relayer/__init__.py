"""The relayer under test: as an actor, or as a process of its own."""
