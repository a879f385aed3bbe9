"""Where a node's API is: host, port and path of a URL, whether it is spoken over TLS, and with which credentials.

These are the URL's user info (`https://USER:PASSWORD@HOST`), its path, its query, or headers: a fragment, which is
never sent as such, holds them as a query does, `https://HOST/#Authorization=Bearer%20KEY&X-Project=7`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lab.model.redacted import RedactedUrl

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?\.?|[0-9A-Fa-f:.]+(%[A-Za-z0-9]+)?")
_TARGET = re.compile(r"[\x21-\x7e]+")
PORTS = {"http": 80, "https": 443}
_HEADER = re.compile(r"[A-Za-z0-9!$'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")
# Those that carry the request itself: RFC 9110, section 7, and RFC 9112.
_CARRYING = frozenset({"host", "content-type", "content-length", "transfer-encoding", "connection", "expect", "te"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL in its parts. `target` is path and query as they are sent.

    `authorization` is made of the user info, `named` are the headers of the fragment.
    """

    url: RedactedUrl
    host: str
    port: int
    tls: bool
    target: str = field(repr=False)
    authorization: str | None = field(repr=False)
    named: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, url: str | RedactedUrl) -> Endpoint:
        """Raises ValueError, the URL redacted, for one that is not `http(s)://HOST[:PORT][/PATH][?QUERY][#HEADERS]`."""
        url = url if isinstance(url, RedactedUrl) else RedactedUrl(url)
        text = url.reveal()
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            reason = "its port is no number from 1 to 65535" if "ort" in str(error) else "its host is malformed"
            raise _malformed(url, reason) from None
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if parts.scheme not in PORTS:
            raise _malformed(url, "it begins with neither http:// nor https://")
        if not _HOST.fullmatch(host):
            raise _malformed(url, "it has no host, or a malformed one")
        if port == 0:
            raise _malformed(url, "its port is no number from 1 to 65535")
        if text != text.strip() or not _TARGET.fullmatch(target) or any(sign in text for sign in "\r\n\t\\"):
            raise _malformed(url, "it has characters that no URL may have: write them as %XX")
        authorization = None
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {b64encode(credentials.encode()).decode()}"
        named = _headers_of(url, parts.fragment)
        if authorization is not None and "authorization" in (name.lower() for name, _ in named):
            raise _malformed(url, "it has user info and a header Authorization, expected one of them")
        return cls(url, host, port or PORTS[parts.scheme], parts.scheme == "https", target, authorization, named)

    @property
    def headers(self) -> dict[str, str]:
        """Those that every request to it has."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        own = {"Host": f"{shown}:{self.port}", **dict(self.named)}
        return own if self.authorization is None else {**own, "Authorization": self.authorization}


def _headers_of(url: RedactedUrl, fragment: str) -> tuple[tuple[str, str], ...]:
    """Name and value of each, in order. Raises ValueError."""
    named: dict[str, tuple[str, str]] = {}
    for pair in filter(None, fragment.split("&")):
        name, equals, value = (unquote(part) for part in pair.partition("="))
        if not equals or not _HEADER.fullmatch(name) or not _VALUE.fullmatch(value):
            raise _malformed(url, "its fragment is no header: expected #NAME=VALUE, with %20 for a blank")
        if name.lower() in _CARRYING or name.lower() in named:
            raise _malformed(url, f"its fragment has the header {name}, which is set already")
        named[name.lower()] = (name, value)
    return tuple(named.values())


def _malformed(url: RedactedUrl, reason: str) -> ValueError:
    return ValueError(f"expected a URL like http://127.0.0.1:8545, got {url}: {reason}")
