"""What listens on the loopback address is no web: a company's proxy is kept out of the way to it, and so are pages.

Clients read NO_PROXY or no_proxy, and some only one of the two. A browser names its page in Origin, and a host name
that was rebound to this machine in Host.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "npm_config_proxy", "npm_config_https_proxy")
EXCEPT = ("NO_PROXY", "no_proxy")


def without_proxy(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which the loopback address is reached directly; the user's own exceptions stay."""
    given = ",".join(environment.get(name, "") for name in EXCEPT)
    spared = dict.fromkeys(name.strip() for name in given.split(",") if name.strip())
    if "*" in spared:
        return dict(environment)
    text = ",".join([*spared, *(name for name in LOOPBACK if name not in spared)])
    return {**environment, **dict.fromkeys(EXCEPT, text)}


def proxies_set(environment: Mapping[str, str]) -> list[str]:
    """The names of the variables that name a proxy, as they are written."""
    return sorted(name for name, value in environment.items() if name.lower() in PROXIES and value)


def spare_loopback() -> None:
    """Extend this process's own NO_PROXY, where a proxy is set: Docker's SDK reads it at every request."""
    if proxies_set(os.environ):
        os.environ.update(without_proxy(os.environ))


def is_from_page(host: str | None, origin: str | None, port: int, *, own: bool = False) -> bool:
    """Whether a page of a browser sent an HTTP request with these headers to this port of this machine.

    A request without Host is HTTP/1.0, which no browser speaks. `own`: the server has pages itself, which may ask.
    """
    hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
    if host is not None and host.lower() not in hosts:
        return True
    return origin is not None and not (own and origin == f"http://{host}")
