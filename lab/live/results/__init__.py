"""What a deployment left: evidence, page and session file."""
