"""Frozen nouns that move between layers. No I/O, no imports from above."""
