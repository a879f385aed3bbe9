"""The kinds of sequences: what draws one writes it down with `build.Builder`. Their register is `search.KINDS`."""
