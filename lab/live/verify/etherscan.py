"""Etherscan's API, version 2: one address for all chains, a key, and answers told apart by their words."""

from __future__ import annotations

from lab.live.verify.client import Answer, ExplorerFailure, Pace, Request, Verification, Web, busy, until

API = "https://api.etherscan.io/v2/api"
NOT_INDEXED = ("unable to locate contractcode", "unable to locate contract code")


class Etherscan:
    """The service at its usual address, or at `url`."""

    name = "etherscan"

    def __init__(self, key: str, url: str | None = None, pace: Pace | None = None) -> None:
        self._web, self._key, self._pace = Web(self.name, url or API, secret=key), key, pace or Pace()

    def verify(self, request: Request) -> Verification:
        """See `Explorer`."""
        query = {"chainid": str(request.chain_id), "module": "contract", "apikey": self._key}
        there = self._web.ask("GET", "", {**query, "action": "getabi", "address": request.address})
        if there.get("status") == "1":
            return Verification(self.name, "match", "was verified already")
        jobs: list[str] = []

        def submit() -> Verification | str:
            answer = self._submit(request)
            if (why := _wait(answer)) is not None:
                return why
            said = _said(answer)
            if "already verified" in said.lower():
                return Verification(self.name, "match", "was verified already")
            if answer.get("status") != "1":
                raise ExplorerFailure(f"etherscan: expected it to take the sources, it said: {said}")
            jobs.append(said)
            return Verification(self.name, "unknown")

        verdict = until(self._pace, self.name, submit)
        if not jobs:
            return verdict
        return until(self._pace, self.name, lambda: self._verdict(query, jobs[0]))

    def _submit(self, request: Request) -> Answer:
        bundle = request.bundle
        fields = {
            "apikey": self._key,
            "module": "contract",
            "action": "verifysourcecode",
            "codeformat": "vyper-json",
            "sourceCode": bundle.text,
            "contractaddress": request.address,
            "contractname": f"{bundle.path}:{bundle.name}",
            "compilerversion": f"vyper:{bundle.number}",
            "optimizationUsed": "1",
            "constructorArguments": "",
        }
        return self._web.ask("POST", "", {"chainid": str(request.chain_id)}, fields=fields, encode_multipart=False)

    def _verdict(self, query: dict[str, str], job: str) -> Verification | str:
        answer = self._web.ask("GET", "", {**query, "action": "checkverifystatus", "guid": job})
        said = _said(answer)
        if (why := _wait(answer)) is not None or "pending" in said.lower():
            return why or said
        if "pass" in said.lower() or "already verified" in said.lower():
            return Verification(self.name, "match")
        if "fail" in said.lower():
            return Verification(self.name, "no match", said)
        raise ExplorerFailure(f"etherscan: expected a verdict, it said: {said}")


def _wait(answer: Answer) -> str | None:
    said = _said(answer)
    return busy(answer) or (said if any(words in said.lower() for words in NOT_INDEXED) else None)


def _said(answer: Answer) -> str:
    return str(answer.get("result") or answer.get("message") or f"HTTP {answer.status}")[:300]
