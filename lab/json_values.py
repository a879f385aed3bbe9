"""How many values a JSON text holds, known before it is parsed: each takes memory, however short its text is."""

from __future__ import annotations

# Commas and opening brackets.
_STRUCTURE = (b"[", b"{", b",")


def json_values(text: bytes) -> int:
    """As many as there are at most."""
    return sum(text.count(sign) for sign in _STRUCTURE)


class Values:
    """How many may be read, of one file or of several together."""

    def __init__(self, most: int) -> None:
        self.most = self._left = most

    def take(self, text: bytes) -> bool:
        """Whether those of another text may be read, too."""
        self._left -= json_values(text)
        return self._left >= 0
