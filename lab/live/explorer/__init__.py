"""An explorer for rehearsals: it speaks three dialects, compiles what it is given, and compares it with the chain."""
