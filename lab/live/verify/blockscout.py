"""Blockscout's API: sources as a form's file, no job; whether it is verified is seen at the contract itself."""

from __future__ import annotations

from lab.live.verify.client import ExplorerFailure, Pace, Request, Verification, Web, busy, until

MISSING = 404


class Blockscout:
    """One instance; each network has its own."""

    name = "blockscout"

    def __init__(self, url: str, pace: Pace | None = None) -> None:
        self._web, self._pace = Web(self.name, url), pace or Pace()

    def verify(self, request: Request) -> Verification:
        """See `Explorer`."""
        if self._is_verified(request) is True:
            return Verification(self.name, "match", "was verified already")
        known = self._web.ask("GET", "/api/v2/smart-contracts/verification/config").get("vyper_compiler_versions")
        version = request.bundle.version
        if isinstance(known, list) and known and version not in known:
            version = next((given for given in known if str(given).startswith(f"v{request.bundle.number}+")), "")
            if not version:
                return Verification(self.name, "unknown", f"it offers no compiler of version {request.bundle.number}")
        verdict = until(self._pace, self.name, lambda: self._submit(request, version))
        if verdict.detail:
            return verdict
        return until(self._pace, self.name, lambda: self._verdict(request))

    def _submit(self, request: Request, version: str) -> Verification | str:
        fields = {
            "compiler_version": version,
            "license_type": "mit",
            "files[0]": ("input.json", request.bundle.text, "application/json"),
        }
        path = f"/api/v2/smart-contracts/{request.address}/verification/via/vyper-standard-input"
        answer = self._web.ask("POST", path, fields=fields)
        said = str(answer.get("message", ""))
        if answer.status == 200:
            return Verification(self.name, "unknown")
        if "already verified" in said.lower():
            return Verification(self.name, "match", "was verified already")
        if answer.status == MISSING or (why := busy(answer)) is not None:
            # It has not seen the contract yet.
            return why if answer.status != MISSING and why else f"HTTP {answer.status}"
        raise ExplorerFailure(f"blockscout: expected it to take the sources, it said HTTP {answer.status} {said}"[:300])

    def _verdict(self, request: Request) -> Verification | str:
        state = self._is_verified(request)
        if state is True:
            return Verification(self.name, "match")
        return "not verified yet: it does not say why" if state is False else state

    def _is_verified(self, request: Request) -> bool | str:
        answer = self._web.ask("GET", f"/api/v2/smart-contracts/{request.address}")
        if answer.status == MISSING or busy(answer) is not None:
            return busy(answer) or "it does not know the contract yet"
        return bool(answer.get("is_verified"))
