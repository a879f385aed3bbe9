"""What `lab safe publish` and `fetch` do: a Safe Transaction Service beside the file."""

from __future__ import annotations

import json
import os
from pathlib import Path

from eth_utils.address import to_checksum_address

from lab.commands.safe.signing import standing_of
from lab.errors import UsageError
from lab.model.redacted import RedactedUrl
from lab.safe.proposal import read_proposal
from lab.safe.service import TransactionService

KEY = "SAFE_API_KEY"


def publish(path: Path, service: str, *, as_json: bool = False) -> int:
    """Hand it over; 0, or 3 where the service took it and does not show it."""
    proposal = read_proposal(path)
    shown = _open(service).publish(proposal)
    if as_json:
        document = {"hash": proposal.hash, "signatures": len(proposal.signatures), "shown": shown}
        print(json.dumps(document, indent=2))
    elif shown:
        print(f"{proposal.hash} is at the service, with {len(proposal.signatures)} signatures")
    else:
        what = "look again later, and pass the file on meanwhile"
        print(f"the service took {proposal.hash} and does not show it yet: {what}")
    return 0 if shown else 3


def fetch(path: Path, service: str, *, as_json: bool = False) -> int:
    """Add its signatures to the file; 0."""
    proposal = read_proposal(path)
    there = _open(service).given(proposal)
    given = there.signatures
    merged = proposal.with_signatures(*(one for one in given if one.owner in proposal.owners))
    merged.write(path)
    strangers = [to_checksum_address(one.owner) for one in given if one.owner not in proposal.owners]
    new = [to_checksum_address(owner) for owner in merged.signed_by() if owner not in proposal.signed_by()]
    if as_json:
        document = {
            **standing_of(merged, path),
            "added": new,
            "left_out": strangers,
            "by_contract": list(there.contracts),
        }
        print(json.dumps(document, indent=2))
        return 0
    for stranger in strangers:
        print(f"left out: a signature of {stranger}, no owner of the Safe")
    for owner in there.contracts:
        print(
            f"left out: {owner} signed by a contract (EIP-1271): let it call approveHash({proposal.hash}) on the Safe"
        )
    print(f"{path}: added {', '.join(new) or 'nothing'}")
    return 0


def _open(service: str) -> TransactionService:
    url = os.environ.get(service.removeprefix("env:"), "") if service.startswith("env:") else service
    if not url.startswith(("http://", "https://")):
        raise UsageError("--service: expected http://... or https://..., or env:NAME of a variable that holds it")
    return TransactionService(RedactedUrl(url), os.environ.get(KEY))
