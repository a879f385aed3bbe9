"""The clients' ABI is the contract's."""

from __future__ import annotations

from lab.documents.abi import files
from lab.paths import CHECKOUT


def test_the_abi_of_both_clients_is_current() -> None:
    """Else: `make docs`."""
    assert CHECKOUT is not None
    stale = [path.name for path, text in files(CHECKOUT).items() if path.read_text(encoding="utf-8") != text]
    assert stale == []
