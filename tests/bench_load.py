"""`make bench-load`: what load generation costs and reaches, as ratios measured in one run on one machine.

Absolute figures depend on the machine and on what else runs on it; the ratios are what counts. Nothing here passes or
fails: it prints a table, and `--json FILE` writes it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from lab.load.drive.locust_process import LOCUSTFILE
from lab.load.prepare.prepare import Prepared, prepare
from lab.load.prepare.sources import LoadEnvironment, own_nodes
from lab.load.profile.profile import LoadProfile, load_profile, with_options
from lab.load.record.plan import PLAN_VARIABLE, Plan
from lab.session.load_chains.interval import IntervalChain
from lab.session.suite import new_run_id, open_suite
from lab.session.under_test import system_under_test
from lab.traffic.presign import SignJob, presign
from lab.traffic.signed_file import read_signed
from lab.traffic.signer import Template
from tests.bench_relayer import of_relayer

BATCH, FEEDERS = 50, 4
ONE_PER_REQUEST = LOCUSTFILE.with_name("one_per_request.py")
POLL_S = 0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of offered load in each saturation run")
    parser.add_argument("--raw-guess", type=float, default=4000, help="transactions a second that the feeder may reach")
    parser.add_argument("--rounds", type=int, default=2, help="how often each saturation is measured, in turn")
    parser.add_argument("--steady", default="", help="also run `lab load`: seconds at 1,000 a second, such as 60")
    parser.add_argument("--flows", default="", help="only run the flow profile: flows a second, such as 300")
    parser.add_argument("--seconds-of-flows", default="20", help="how long flows are offered")
    parser.add_argument("--curve", type=int, default=0, help="only measure the relayer by flows behind it: 10000")
    parser.add_argument("--backend", default="process", choices=("process", "docker"))
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args(arguments)
    figures: dict[str, Any] = {"load_average_before": psutil.getloadavg()[0], "cpus": os.cpu_count()}
    if options.flows or options.curve:
        figures |= of_relayer(options.flows, options.seconds_of_flows, options.backend, options.curve)
        return _written(figures, options.json)
    figures["signing_per_s"] = signing()
    count = int(options.raw_guess * options.seconds)
    rounds = []
    for _ in range(options.rounds):
        fed = raw(count, options.backend)
        # More than the node takes: what is mined then is what the way through Locust allows.
        lab = through_locust(fed["mined_per_s"] * 1.1, options.seconds, options.backend)
        plain = one_per_request(count, options.seconds, options.backend)
        rounds.append({"raw": fed, "locust": lab, "one_per_request": plain})
    figures["rounds"] = rounds
    for kind in ("raw", "locust", "one_per_request"):
        # The best of each: what else runs on the machine only ever makes them worse.
        figures[kind] = max((each[kind] for each in rounds), key=lambda found: found["mined_per_s"])
    figures["ratios"] = ratios(figures)
    if options.steady:
        figures["steady"] = whole(options.steady, options.backend)
    return _written(figures, options.json)


def _written(figures: dict[str, Any], path: Path | None) -> int:
    figures["load_average_after"] = psutil.getloadavg()[0]
    print(json.dumps(figures, indent=1))
    if path:
        path.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def ratios(figures: dict[str, Any]) -> dict[str, float]:
    """What is asked of: 0.8 of the raw feeder, 1.5 times plain Locust, at most half of the node's processor time."""
    locust, mined = figures["locust"], figures["locust"]["mined_per_s"]
    return {
        "locust_to_raw (0.8 or more)": round(mined / figures["raw"]["mined_per_s"], 3),
        "locust_to_one_per_request (1.5 or more)": round(mined / figures["one_per_request"]["mined_per_s"], 3),
        "generator_to_node_cpu (0.5 or less)": round(locust["generator_us"] / locust["node_us"], 3),
        "signing_per_s (4,000 or more)": figures["signing_per_s"],
    }


def signing(count: int = 24_000, senders: int = 24) -> float:
    """Transactions signed a second, by as many processes as there are processors."""
    template = Template(31337, "0x" + "c0" * 20, 130_000, 10**12, 10**9, bytes(4 + 9 * 32), 4)
    folder = Path(tempfile.mkdtemp(prefix="tesseract-bench-"))
    try:
        done = presign([SignJob(template, "bench", s, 0, count // senders) for s in range(senders)], folder)
        return round(done.per_second or 0.0, 1)
    finally:
        shutil.rmtree(folder)


@contextmanager
def prepared(profile: LoadProfile, backend: str) -> Iterator[tuple[LoadEnvironment, Prepared, Path]]:
    """A node with the contract on it and signed transactions for it, in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="tesseract-bench-"))
    system = system_under_test(contract=None, relayer_cmd=None)
    suite = open_suite(run_id=new_run_id(), backend=backend, image=None, system=system)  # type: ignore[arg-type]
    try:
        with own_nodes(profile, profile.resolved_networks(), suite, folder) as sourced:
            made = prepare(
                profile, sourced.targets, sourced.owner, run_id=suite.run_id, folder=folder, cache=folder / "signed",
                notify=lambda text: None,
            )  # fmt: skip
            yield sourced, made, folder
    finally:
        suite.close()
        shutil.rmtree(folder, ignore_errors=True)


def raw(count: int, backend: str) -> dict[str, float]:
    """A bare feeder: pre-built batches over a few connections, nothing measured but the end."""
    profile = with_options(load_profile("buffer"), tps=count / 10, duration_ms=10_000, networks=None, workers=1,
                           operators=None)  # fmt: skip
    with prepared(profile, backend) as (sourced, made, _):
        chain = sourced.chains["capacity"]
        bodies = iter(_bodies(made.plan))
        lock, begun, before = threading.Lock(), time.monotonic(), _node(chain)

        def feed() -> None:
            parts = urlsplit(chain.url.reveal())
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
            while True:
                with lock:
                    body = next(bodies, None)
                if body is None:
                    return
                connection.request("POST", "/", body, {"Content-Type": "application/json"})
                connection.getresponse().read()

        threads = [threading.Thread(target=feed) for _ in range(FEEDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return _measured(chain, _empty(chain, time.monotonic()) - begun, before)


def through_locust(tps: float, seconds: float, backend: str) -> dict[str, float]:
    """The lab's own user on two Locust processes, offered more than the node takes."""
    profile = with_options(load_profile("buffer"), tps=tps, duration_ms=round(seconds * 1000), networks=None, workers=2,
                           operators=None)  # fmt: skip
    with prepared(profile, backend) as (sourced, made, folder):
        # Late arrivals are sent all the same: the whole amount is what is compared.
        plan = made.plan.model_copy(update={"drop_after_ms": 600_000})
        plan.write()
        return _locust(sourced.chains["capacity"], folder, LOCUSTFILE, [])


def one_per_request(count: int, seconds: float, backend: str) -> dict[str, float]:
    """Plain Locust in a closed loop on two processes, one transaction a request."""
    profile = with_options(load_profile("buffer"), tps=count / seconds, duration_ms=round(seconds * 1000),
                           networks=None, workers=2, operators=None)  # fmt: skip
    with prepared(profile, backend) as (sourced, made, folder):
        senders = len(made.plan.legs()[0].senders)
        extra = ["--users", str(senders), "--spawn-rate", "1000", "--run-time", f"{seconds:g}s"]
        return _locust(sourced.chains["capacity"], folder, ONE_PER_REQUEST, extra)


def whole(seconds: str, backend: str) -> dict[str, Any]:
    """`lab load` itself at 1,000 a second, from its own load.json."""
    folder = Path(tempfile.mkdtemp(prefix="tesseract-bench-"))
    arguments = ["buffer", "--tps", "1000", "--duration", seconds]
    command = [sys.executable, "-m", "lab.cli", "load", *arguments, "--backend", backend, "--results", str(folder)]
    try:
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        found = json.loads((folder / "load" / "latest" / "load.json").read_text(encoding="utf-8"))
        return {key: found[key] for key in ("outcome", "bottleneck", "invalid", "totals", "flows", "generator")}
    finally:
        shutil.rmtree(folder)


def _locust(chain: IntervalChain, folder: Path, file: Path, extra: list[str]) -> dict[str, float]:
    command = [sys.executable, "-m", "locust", "-f", str(file), "--headless", "--only-summary", "--processes", "2",
               *extra]  # fmt: skip
    environment = {**os.environ, PLAN_VARIABLE: str(folder / "plan.json")}
    before = _node(chain)
    with (folder / "locust.log").open("wb") as log:
        process = psutil.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)
        begun = ended = started_with = used = 0.0
        while process.poll() is None:
            used = max(used, _tree_cpu(process))
            # From the first transaction in the pool to the last: starting and ending Locust is not the system's doing.
            if int(chain.rpc.call("txpool_status")["pending"], 16):
                ended = time.monotonic()
                if not begun:
                    begun, started_with = ended, used
            time.sleep(POLL_S)
    ended = max(ended, _empty(chain, ended))
    found = _measured(chain, ended - begun, before)
    return found | {"generator_us": round((used - started_with) / max(1, found["mined"]) * 1e6, 1)}


def _empty(chain: IntervalChain, ended: float) -> float:
    """When the pool was empty: now, unless it was already."""
    while int(chain.rpc.call("txpool_status")["pending"], 16):
        ended = time.monotonic()
        time.sleep(POLL_S)
    return ended


def _measured(chain: IntervalChain, seconds: float, before: dict[str, float]) -> dict[str, float]:
    after, mined = _node(chain), _mined(chain, before)
    return {
        "mined": mined,
        "mined_per_s": round(mined / max(0.001, seconds), 1),
        "node_us": round((after["cpu"] - before["cpu"]) / max(1, mined) * 1e6, 1),
        "node_mib": round((chain.node.memory_bytes() or 0) / 2**20) if chain.node else 0,
    }


def _mined(chain: IntervalChain, before: dict[str, float]) -> int:
    blocks = (chain.rpc.block(number) for number in range(int(before["head"]) + 1, chain.rpc.block_number() + 1))
    return sum(len(block["transactions"]) for block in blocks if block)


def _node(chain: IntervalChain) -> dict[str, float]:
    cpu = chain.node.cpu_seconds() if chain.node else None
    return {"head": chain.rpc.block_number(), "cpu": cpu or 0.0}


def _tree_cpu(process: psutil.Popen) -> float:
    total = 0.0
    try:
        for found in (process, *process.children(recursive=True)):
            times = found.cpu_times()
            total += times.user + times.system
    except psutil.Error:
        return 0.0
    return total


def _bodies(plan: Plan) -> list[bytes]:
    leg = plan.legs()[0]
    runs = [[signed.raw for signed in read_signed(Path(sender.path))] for sender in leg.senders]
    ordered = [run[i] for i in range(max(len(run) for run in runs)) for run in runs if i < len(run)]
    return [
        ("[" + ",".join(
            f'{{"jsonrpc":"2.0","id":{i},"method":"eth_sendRawTransaction","params":["0x{raw.hex()}"]}}'
            for i, raw in enumerate(ordered[start : start + BATCH])
        ) + "]").encode()
        for start in range(0, len(ordered), BATCH)
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
