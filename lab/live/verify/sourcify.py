"""Sourcify's API, version 2: no key, exact matches told from those of the code alone."""

from __future__ import annotations

import json
from typing import Any

from lab.live.verify.client import Answer, ExplorerFailure, Pace, Request, Verification, Web, busy, until
from lab.live.verify.difference import first_difference

SERVER = "https://sourcify.dev/server"
# What a job ends with where the server's own endpoint lags, and with another code; all else is its own trouble
# (SourcifyLibError.ts of argotorg/sourcify).
NOT_SEEN = ("contract_not_deployed", "cannot_fetch_bytecode")
MISMATCHES = ("no_match", "bytecode_length_mismatch", "extra_file_input_bug")
RESULTS = {"exact_match": "exact", "match": "match"}


class Sourcify:
    """One server of Sourcify."""

    name = "sourcify"

    def __init__(self, url: str | None = None, pace: Pace | None = None) -> None:
        self._web, self._pace = Web(self.name, url or SERVER), pace or Pace()

    def verify(self, request: Request) -> Verification:
        """See `Explorer`."""
        there = self._contract(request)
        if there is not None and there.result == "exact":
            return Verification(self.name, "exact", "was verified already")
        jobs: list[str] = []

        def attempt() -> Verification | str:
            if not jobs:
                answer = self._submit(request)
                if not isinstance(answer, tuple):
                    return answer
                jobs.append(answer[0])
            verdict = self._verdict(jobs[-1])
            if verdict is None:
                # A job that ended so tells no more: the sources are sent anew.
                jobs.clear()
                return "it does not see the contract yet"
            return verdict

        return until(self._pace, self.name, attempt)

    def _submit(self, request: Request) -> Verification | str | tuple[str]:
        """The id of the job in a tuple, a reason to wait, or a verdict at once."""
        body = {
            "stdJsonInput": request.bundle.standard_json,
            "compilerVersion": request.bundle.version.removeprefix("v"),
            "contractIdentifier": f"{request.bundle.path}:{request.bundle.name}",
            "creationTransactionHash": request.creation_tx,
        }
        path = f"/v2/verify/{request.chain_id}/{request.address}"
        answer = self._web.ask(
            "POST", path, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
        )
        if (why := busy(answer)) is not None:
            return why
        if answer.status == 409:
            return self._contract(request) or Verification(self.name, "match", "was verified already")
        if answer.status == 202 and isinstance(answer.get("verificationId"), str):
            return (str(answer.get("verificationId")),)
        raise ExplorerFailure(f"sourcify: expected it to take the sources, it said {_said(answer)}")

    def _verdict(self, job: str) -> Verification | str | None:
        """What came of a job, or a reason to wait; None for one that came before the server saw the contract."""
        answer = self._web.ask("GET", f"/v2/verify/{job}")
        if (why := busy(answer)) is not None:
            return why
        if answer.status != 200:
            raise ExplorerFailure(f"sourcify: expected the state of job {job}, it said {_said(answer)}")
        if not answer.get("isJobCompleted"):
            return "pending"
        contract = answer.get("contract") or {}
        match = contract.get("match") if isinstance(contract, dict) else None
        if match in RESULTS:
            return Verification(self.name, "exact" if match == "exact_match" else "match")
        given = answer.get("error")
        error = given if isinstance(given, dict) else {}
        code = str(error.get("customCode", "no reason"))
        if code in NOT_SEEN:
            return None
        detail = f"{code}: {error.get('message', '')}"[:300]
        if difference := _difference(error):
            return Verification(self.name, "no match", f"{detail} {difference}")
        return Verification(self.name, "no match" if code in MISMATCHES else "unknown", detail)

    def _contract(self, request: Request) -> Verification | None:
        answer = self._web.ask("GET", f"/v2/contract/{request.chain_id}/{request.address}")
        match = answer.get("match")
        if answer.status == 200 and match in RESULTS:
            return Verification(self.name, "exact" if match == "exact_match" else "match", "was verified already")
        return None


def _difference(error: dict[str, Any]) -> str:
    """Where what the server compiled is not what it found, by the codes that it tells; empty where it tells none."""
    said = []
    for part in ("Runtime", "Creation"):
        compiled, there = error.get(f"recompiled{part}Code"), error.get(f"onchain{part}Code")
        if isinstance(compiled, str) and isinstance(there, str):
            try:
                difference = first_difference(compiled, there, None)
            except ValueError:
                continue
            if difference is not None:
                said.append(f"{part.lower()} code as it compiled it: {difference}")
    return "; ".join(said)


def _said(answer: Answer) -> str:
    return f"HTTP {answer.status} {answer.get('customCode', '')} {answer.get('message', '')}".strip()[:300]
