"""URLs below one that somebody gave: its path goes on, and its own query stays behind the path."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode


def url_below(url: str, path: str = "", query: Mapping[str, object] | None = None) -> str:
    """`https://host/v1?key=K` and `/name` are `https://host/v1/name?key=K`. Never raises; a fragment is left out."""
    place, _, own = url.partition("#")[0].partition("?")
    words = "&".join(part for part in (own, urlencode(query or {})) if part)
    return place.rstrip("/") + path + (f"?{words}" if words else "")
