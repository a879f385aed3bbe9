"""Source verification: the compiler's bundle of sources, three kinds of explorers, and where two codes differ."""
