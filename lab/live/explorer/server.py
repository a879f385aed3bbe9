"""The explorer's HTTP: Sourcify, Etherscan and Blockscout side by side on one port of 127.0.0.1."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from aiohttp import web

from lab.chains.loopback import is_from_page
from lab.errors import EnvironmentFailure
from lab.live.explorer.faults import ExplorerFaults
from lab.live.explorer.judge import Judge, Submission, Verdict
from lab.rpc import HttpTransport, Rpc, RpcFailure

BODY_BYTES_MAX = 16 << 20
START_S = 20.0
NO_CONTRACT = "The chain does not have a contract deployed at this address."
NOT_INDEXED = "Unable to locate ContractCode at {}"


class _Explorer:
    """The state: jobs and what is verified, by chain and address, at each service by itself as in the world."""

    def __init__(self, judge: Judge, faults: ExplorerFaults) -> None:
        self._judge, self._faults = judge, faults
        self._jobs: dict[str, tuple[str, Submission, asyncio.Future[Verdict]]] = {}
        self._verified: dict[tuple[str, int, str], Verdict] = {}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES_MAX, middlewares=[self._trouble])
        app.add_routes(
            [
                web.post("/sourcify/v2/verify/{chain}/{address}", self.sourcify_submit),
                web.get("/sourcify/v2/verify/{job}", self.sourcify_job),
                web.get("/sourcify/v2/contract/{chain}/{address}", self.sourcify_contract),
                web.route("*", "/etherscan/v2/api", self.etherscan),
                # forge and other clients of the older form leave the version out.
                web.route("*", "/etherscan/api", self.etherscan),
                # Blockscout has the older form, too, without a chain: each instance is one.
                web.route("*", "/blockscout/{chain}/{api:api/?}", self.etherscan),
                web.get("/blockscout/{chain}/api/v2/smart-contracts/verification/config", self.blockscout_config),
                web.get("/blockscout/{chain}/api/v2/smart-contracts/{address}", self.blockscout_contract),
                web.post(
                    "/blockscout/{chain}/api/v2/smart-contracts/{address}/verification/via/vyper-standard-input",
                    self.blockscout_submit,
                ),
            ]
        )
        return app

    @web.middleware
    async def _trouble(self, request: web.Request, handler: Any) -> web.StreamResponse:
        port = request.transport.get_extra_info("sockname")[1] if request.transport else 0
        if is_from_page(request.headers.get("Host"), request.headers.get("Origin"), port):
            return web.Response(status=403, text="expected the Host of this explorer and no Origin")
        if self._faults.take("busy"):
            return _limited(request.path)
        if self._faults.take("broken"):
            return web.Response(status=503, text="upstream connect error")
        try:
            answer: web.StreamResponse = await handler(request)
        except (KeyError, ValueError, TypeError, StopIteration) as error:
            return web.json_response({"message": f"malformed request: {error!r}"[:200]}, status=400)
        except RpcFailure as failure:
            return web.json_response({"message": str(failure)[:200]}, status=502)
        return answer

    def _accept(self, service: str, given: Submission, known: Verdict | None = None) -> str:
        """Begin to judge it, unless the verdict is `known`; it comes later."""
        loop = asyncio.get_running_loop()
        verdict = loop.create_future()
        if known is None:
            verdict = loop.run_in_executor(None, self._judge.judge, self._faults.played(given))
        else:
            verdict.set_result(known)
        job = f"{len(self._jobs) + 1:08x}-{given.chain_id}"
        self._jobs[job] = (service, given, verdict)
        return job

    def _has(self, job: str, service: str) -> bool:
        return job in self._jobs and self._jobs[job][0] == service

    def _settle(self, job: str) -> Verdict | None:
        """The verdict, unless it is to wait."""
        service, given, awaited = self._jobs[job]
        if self._faults.take("pending") or not awaited.done():
            return None
        verdict = awaited.result()
        key = (service, given.chain_id, given.address.lower())
        # Who was not told the creation finds less: what is known exactly stays so.
        if verdict.match is not None and (key not in self._verified or verdict.match == "exact_match"):
            self._verified[key] = verdict
        return verdict

    async def _is_missing(self, chain_id: int, address: str) -> bool:
        if self._faults.take("not_indexed"):
            return True
        return not await asyncio.get_running_loop().run_in_executor(None, self._judge.has_code, chain_id, address)

    async def sourcify_submit(self, request: web.Request) -> web.Response:
        chain, address = int(request.match_info["chain"]), request.match_info["address"].lower()
        body = await request.json()
        if not self._judge.supports(chain):
            return _error(400, "unsupported_chain", f"chain {chain} is not supported")
        verdict = self._verified.get(("sourcify", chain, address))
        if self._faults.take("already") or (verdict is not None and verdict.match == "exact_match"):
            return _error(409, "already_verified", "the contract is verified already")
        path, _, name = str(body["contractIdentifier"]).rpartition(":")
        creation = body.get("creationTransactionHash")
        given = Submission(chain, address, body["stdJsonInput"], body["compilerVersion"], path, name, creation)
        # Whether there is a contract Sourcify finds out in its worker, and says at the job.
        missing = await self._is_missing(chain, address)
        known = Verdict(None, None, "contract_not_deployed", NO_CONTRACT) if missing else None
        job = self._accept("sourcify", given, known)
        return web.json_response({"verificationId": job}, status=202)

    async def sourcify_job(self, request: web.Request) -> web.Response:
        job = request.match_info["job"]
        if not self._has(job, "sourcify"):
            return _error(404, "job_not_found", "no such job")
        verdict = self._settle(job)
        of = self._jobs[job][1]
        answer: dict[str, Any] = {
            "isJobCompleted": verdict is not None,
            "verificationId": job,
            "contract": _matches(verdict, of.chain_id, of.address),
        }
        if verdict is not None and verdict.error is not None:
            said = {"customCode": verdict.error, "message": verdict.message, "errorId": job}
            answer["error"] = {**said, **verdict.codes}
        return web.json_response(answer)

    async def sourcify_contract(self, request: web.Request) -> web.Response:
        key = (int(request.match_info["chain"]), request.match_info["address"].lower())
        verdict = self._verified.get(("sourcify", *key))
        return web.json_response(_matches(verdict, *key), status=200 if verdict is not None else 404)

    async def etherscan(self, request: web.Request) -> web.Response:
        posted = await request.post() if request.method == "POST" else {}
        fields = {key: str(value) for key, value in [*request.query.items(), *posted.items()]}
        own = request.match_info.get("chain")
        service = "etherscan" if own is None else "blockscout"
        if own is None and not fields.get("apikey"):
            return _etherscan("0", "Missing/Invalid API Key")
        chain = int(str(own or fields.get("chainid") or fields.get("chainId") or 0))
        action, address = (
            fields.get("action"),
            str(fields.get("address") or fields.get("contractaddress") or "").lower(),
        )
        if not self._judge.supports(chain):
            return _etherscan("0", "Missing or unsupported chainid parameter")
        if action in ("getabi", "getsourcecode"):
            known = (service, chain, address) in self._verified
            return _etherscan("1" if known else "0", "[]" if known else "Contract source code not verified")
        if action == "checkverifystatus":
            return self._etherscan_status(service, str(fields.get("guid", "")))
        if action != "verifysourcecode":
            return _etherscan("0", f"Error! Unknown action {action}")
        if self._faults.take("already") or (service, chain, address) in self._verified:
            return _etherscan("0", "Contract source code already verified")
        if await self._is_missing(chain, address):
            return _etherscan("0", NOT_INDEXED.format(address))
        if fields.get("codeformat") != "vyper-json":
            return _etherscan("0", f"Error! codeformat {fields.get('codeformat')} is not that of Vyper")
        path, _, name = str(fields["contractname"]).rpartition(":")
        source = json.loads(str(fields["sourceCode"]))
        version = str(fields["compilerversion"])
        return _etherscan("1", self._accept(service, Submission(chain, address, source, version, path, name)))

    def _etherscan_status(self, service: str, job: str) -> web.Response:
        if not self._has(job, service):
            return _etherscan("0", "Invalid GUID")
        verdict = self._settle(job)
        if verdict is None:
            return _etherscan("0", "Pending in queue")
        if verdict.match is None:
            return _etherscan("0", "Fail - Unable to verify")
        return _etherscan("1", "Pass - Verified")

    async def blockscout_config(self, request: web.Request) -> web.Response:
        del request
        versions = ["v0.4.3+commit.bff19ea2", "v0.3.10+commit.91361694"]
        return web.json_response(
            {"vyper_compiler_versions": versions, "verification_options": ["vyper-standard-input"]}
        )

    async def blockscout_contract(self, request: web.Request) -> web.Response:
        chain, address = int(request.match_info["chain"]), request.match_info["address"].lower()
        if await self._is_missing(chain, address):
            return web.json_response({"message": "Not found"}, status=404)
        for job, (service, given, _) in list(self._jobs.items()):
            if (service, given.chain_id, given.address.lower()) == ("blockscout", chain, address):
                self._settle(job)
        return web.json_response({"is_verified": ("blockscout", chain, address) in self._verified, "address": address})

    async def blockscout_submit(self, request: web.Request) -> web.Response:
        chain, address = int(request.match_info["chain"]), request.match_info["address"].lower()
        form = await request.post()
        if self._faults.take("already") or ("blockscout", chain, address) in self._verified:
            return web.json_response({"message": "Already verified"}, status=422)
        if await self._is_missing(chain, address):
            return web.json_response({"message": "Not found"}, status=404)
        file = form["files[0]"]
        text = file.file.read() if isinstance(file, web.FileField) else str(file)
        source = json.loads(text)
        path = next(iter(source["settings"]["outputSelection"]))
        name = path.rpartition("/")[2].removesuffix(".vy")
        self._accept("blockscout", Submission(chain, address, source, str(form["compiler_version"]), path, name))
        return web.json_response({"message": "Smart-contract verification started"})


def _error(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"customCode": code, "message": message, "errorId": "0"}, status=status)


def _limited(path: str) -> web.Response:
    """Too many requests, as each dialect says it: Etherscan's answer is one like any other."""
    if path.startswith("/etherscan"):
        return _etherscan("0", "Max calls per sec rate limit reached (5/sec)")
    return web.json_response({"customCode": "too_many_requests", "message": "Too many requests"}, status=429)


def _matches(verdict: Verdict | None, chain_id: int, address: str) -> dict[str, str | None]:
    """As Sourcify shows them, all None while nothing is known."""
    known = verdict or Verdict(None, None)
    matches = {"match": known.match, "creationMatch": known.creation, "runtimeMatch": known.runtime}
    return {**matches, "chainId": str(chain_id), "address": address}


def _etherscan(status: str, result: str) -> web.Response:
    return web.json_response({"status": status, "message": "OK" if status == "1" else "NOTOK", "result": result})


@contextmanager
def open_explorer(
    chains: Mapping[int, str], faults: ExplorerFaults | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[str]:
    """Serve until the block ends; its base URL. `chains` maps ids to endpoints. Raises EnvironmentFailure."""

    def client(chain_id: int) -> Rpc | None:
        # One for each question: they come from several threads.
        return Rpc(HttpTransport(chains[chain_id])) if chain_id in chains else None

    explorer = _Explorer(Judge(client), faults or ExplorerFaults())
    loop, started, bound = asyncio.new_event_loop(), threading.Event(), list[int | BaseException]()
    thread = threading.Thread(
        target=partial(_serve, loop, explorer, (host, port), started, bound), name="explorer", daemon=True
    )
    thread.start()
    started.wait(START_S)
    if not bound or isinstance(bound[0], BaseException):
        reason = bound[0] if bound else "it did not start in time"
        raise EnvironmentFailure(f"the explorer cannot listen on {host}:{port}: {reason}")
    try:
        yield f"http://{host}:{bound[0]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)


def _serve(
    loop: asyncio.AbstractEventLoop,
    explorer: _Explorer,
    address: tuple[str, int],
    started: threading.Event,
    bound: list[int | BaseException],
) -> None:
    asyncio.set_event_loop(loop)
    runner = web.AppRunner(explorer.application(), access_log=None)
    try:
        loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, *address)
        loop.run_until_complete(site.start())
        bound.append(runner.addresses[0][1])
    except OSError as error:
        bound.append(error)
        started.set()
        return
    started.set()
    loop.run_forever()
    loop.run_until_complete(runner.cleanup())
    loop.close()
