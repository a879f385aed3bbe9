"""Sourcify's API, version 2: no key, exact matches told from those of the code alone."""

from __future__ import annotations

import json

from lab.live.verify.client import Answer, ExplorerFailure, Pace, Request, Verification, Web, busy, until

SERVER = "https://sourcify.dev/server"
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
        job = until_accepted(self, request)
        if isinstance(job, Verification):
            return job
        return until(self._pace, self.name, lambda: self._verdict(job))

    def submit(self, request: Request) -> Verification | str | tuple[str]:
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

    @property
    def pace(self) -> Pace:
        """How it is asked."""
        return self._pace

    def _verdict(self, job: str) -> Verification | str:
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
        error = answer.get("error") or {}
        detail = f"{error.get('customCode', 'no match')}: {error.get('message', '')}" if isinstance(error, dict) else ""
        return Verification(self.name, "no match", detail)

    def _contract(self, request: Request) -> Verification | None:
        answer = self._web.ask("GET", f"/v2/contract/{request.chain_id}/{request.address}")
        match = answer.get("match")
        if answer.status == 200 and match in RESULTS:
            return Verification(self.name, "exact" if match == "exact_match" else "match", "was verified already")
        return None


def until_accepted(explorer: Sourcify, request: Request) -> Verification | str:
    """The job's id, or a verdict that came at once."""
    job: list[str] = []

    def attempt() -> Verification | str:
        answer = explorer.submit(request)
        if isinstance(answer, tuple):
            job.append(answer[0])
            return Verification(explorer.name, "unknown")
        return answer

    verdict = until(explorer.pace, explorer.name, attempt)
    return job[0] if job else verdict


def _said(answer: Answer) -> str:
    return f"HTTP {answer.status} {answer.get('customCode', '')} {answer.get('message', '')}".strip()[:300]
