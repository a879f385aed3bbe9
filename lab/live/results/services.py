"""Whether what stands around a deployment answers: the exporter that watches it, and the documents published of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import urllib3

from lab.live.declaration.deployment_file import Services
from lab.model.redacted import RedactedUrl, redact_text

TEXT_BYTES_MAX, TIMEOUT_S = 8 << 20, 20.0
OK = "ok"


class _NoAnswer(Exception):
    """Why a service does not answer: said in its place, never raised to a caller."""


def ask_services(services: Services, places: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Network -> service -> `ok`, or what is wrong; `places` are the contracts' addresses by network."""
    asked: dict[str, dict[str, str]] = {name: {} for name in places}
    if services.exporter is not None:
        metrics, why = _read([services.exporter])
        for name in places:
            asked[name]["exporter"] = why or _watches(metrics, name)
    if services.documents:
        text, why = _read(services.documents)
        for name, address in places.items():
            there = address.lower() in text.lower()
            asked[name]["documents"] = why or (OK if there else f"no document names the contract {address}")
    return asked


def _watches(metrics: str, chain: str) -> str:
    """By the exporter's own sample of the chain's last poll."""
    sample = re.search(rf'^tesseract_chain_up\{{[^}}]*chain="{re.escape(chain)}"[^}}]*\}} (\S+)', metrics, re.MULTILINE)
    if sample is None:
        return f"the exporter has no sample tesseract_chain_up of {chain}: start it with this deployment"
    return (
        OK if float(sample[1]) == 1 else f"the exporter's last poll of {chain} failed (tesseract_chain_up {sample[1]})"
    )


def _read(urls: tuple[str, ...] | list[str]) -> tuple[str, str]:
    """All their texts, and why one does not answer."""
    try:
        return "\n".join(_text(url) for url in urls), ""
    except _NoAnswer as error:
        return "", str(error)


def _text(url: str) -> str:
    shown, pool = RedactedUrl(url), urllib3.PoolManager(timeout=urllib3.Timeout(total=TIMEOUT_S), retries=False)
    try:
        response = pool.request("GET", url, preload_content=False, redirect=True)
        try:
            body = response.read(TEXT_BYTES_MAX)
        finally:
            response.release_conn()
    except urllib3.exceptions.HTTPError as error:
        raise _NoAnswer(f"{shown}: expected an answer: {redact_text(str(error))}") from error
    if response.status != 200:
        raise _NoAnswer(f"{shown}: expected status 200, got {response.status}")
    return body.decode("utf-8", errors="replace")
