"""Characters for drawn text."""

from __future__ import annotations

from hypothesis import strategies as st

# All that UTF-8 can write, as `st.text()` draws by itself. By the name of a codec they would be tried one by one, which
# takes every process a second as long as nothing is kept in `.hypothesis`.
ANY = st.characters(exclude_categories=["Cs"])
