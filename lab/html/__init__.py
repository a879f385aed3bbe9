"""What every page of the lab shares: text made harmless, one self-contained page from a template, the base style."""
