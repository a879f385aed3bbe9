"""URLs below one that somebody gave: its path goes on, and its own query stays behind the path. And what is there."""

from __future__ import annotations

import http.client
import io
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode


def url_below(url: str, path: str = "", query: Mapping[str, object] | None = None) -> str:
    """`https://host/v1?key=K` and `/name` are `https://host/v1/name?key=K`. Never raises; a fragment is left out."""
    place, _, own = url.partition("#")[0].partition("?")
    words = "&".join(part for part in (own, urlencode(query or {})) if part)
    return place.rstrip("/") + path + (f"?{words}" if words else "")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Goes on without the body of the answer that says where to go: the library would take all of it into memory."""

    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        """See `HTTPRedirectHandler`."""
        with fp:
            return super().http_error_302(req, io.BytesIO(), code, msg, headers)

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def fetch(request: str | urllib.request.Request, *, timeout_s: float, bytes_max: int) -> tuple[int, bytes]:
    """Status and body of an answer of success, of which at most so much is read. Raises OSError, as HTTPError is."""
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=timeout_s) as answer:
            return answer.status, answer.read(bytes_max)
    except http.client.HTTPException as error:
        raise ConnectionError(f"expected an HTTP answer: {error}") from error
