"""Gets calls mined: nonces, offers, replacements, lost replies."""
