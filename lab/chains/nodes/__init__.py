"""The nodes: backends, where their binary or image comes from, and what they use."""
