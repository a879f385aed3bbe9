"""What the commands do that is more than one call: each module is loaded by `lab.cli` when its command is called."""
