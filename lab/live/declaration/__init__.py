"""What a deployment shall be: its file, the genesis blocks of its networks, its environment variables."""
