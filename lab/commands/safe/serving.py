"""What `lab safe publish` and `fetch` do: a Safe Transaction Service beside the file."""

from __future__ import annotations

import os
from pathlib import Path

from eth_utils.address import to_checksum_address

from lab.errors import UsageError
from lab.model.redacted import RedactedUrl
from lab.safe.proposal import read_proposal
from lab.safe.service import TransactionService

KEY = "SAFE_API_KEY"


def publish(path: Path, service: str) -> int:
    """Hand it over; 0, or 3 where the service took it and does not show it."""
    proposal = read_proposal(path)
    if _open(service).publish(proposal):
        print(f"{proposal.hash} is at the service, with {len(proposal.signatures)} signatures")
        return 0
    print(
        f"the service took {proposal.hash} and does not show it yet: look again later, and pass the file on meanwhile"
    )
    return 3


def fetch(path: Path, service: str) -> int:
    """Add its signatures to the file; 0."""
    proposal = read_proposal(path)
    given = _open(service).signatures(proposal)
    merged = proposal.with_signatures(*(one for one in given if one.owner in proposal.owners))
    merged.write(path)
    for stranger in (one.owner for one in given if one.owner not in proposal.owners):
        print(f"left out: a signature of {to_checksum_address(stranger)}, no owner of the Safe")
    new = [owner for owner in merged.signed_by() if owner not in proposal.signed_by()]
    print(f"{path}: added {', '.join(map(to_checksum_address, new)) or 'nothing'}")
    return 0


def _open(service: str) -> TransactionService:
    url = os.environ.get(service.removeprefix("env:"), "") if service.startswith("env:") else service
    if not url.startswith(("http://", "https://")):
        raise UsageError("--service: expected http://... or https://..., or env:NAME of a variable that holds it")
    return TransactionService(RedactedUrl(url), os.environ.get(KEY))
