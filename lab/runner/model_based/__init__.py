"""Sequences of calls drawn by kind, played on a node, and compared with the documented rules call by call.

`build` writes a sequence down; `kinds`, `values` and `walks` draw it; `player` simulates it; `judge` says what is not
as documented; `search` plays many and makes the first that differs as short as it gets. Nothing beyond the
documentation is held against a contract: how it words a refusal, which other events it emits, whether what expired has
an end state.
"""
