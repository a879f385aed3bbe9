"""A transport to a chain by all of its endpoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.model.redacted import RedactedUrl
from lab.model.session import SessionChain
from lab.rpc.failover import IMPATIENT, FailoverTransport
from lab.rpc.transport import HttpTransport, Transport


def over_all(endpoints: Mapping[str, Transport], *, chain_id: int, **options: Any) -> Transport:
    """A `FailoverTransport` over several; a single one as it is."""
    if len(endpoints) == 1:
        return next(iter(endpoints.values()))
    return FailoverTransport(endpoints, chain_id=chain_id, **options)


def transport_to(
    chain: SessionChain, *, timeout_s: float, answer_bytes_max: int | None = None, **options: Any
) -> HttpTransport | FailoverTransport:
    """To the endpoints of a session's chain, for one who polls. `options` are of `FailoverTransport`, for several.

    Raises ValueError for a URL that is none.
    """
    urls = [RedactedUrl(url) for url in chain.rpc_urls]
    endpoints = [HttpTransport(url, timeout_s=timeout_s, answer_bytes_max=answer_bytes_max) for url in urls]
    if len(endpoints) == 1:
        return endpoints[0]
    labels = [f"endpoint {number} ({url})" for number, url in enumerate(urls, 1)]
    places: dict[str, Transport] = dict(zip(labels, endpoints, strict=True))
    return FailoverTransport(places, chain_id=chain.chain_id, patience=IMPATIENT, **options)
