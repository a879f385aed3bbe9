"""What a deployment has done so far, written down before it is done; file, contract and journal: the undertaking."""
