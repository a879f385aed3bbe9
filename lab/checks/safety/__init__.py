"""Nothing that must not happen ever did: checks S1 to S12."""
