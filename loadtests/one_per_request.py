"""The ordinary way, for comparison: a closed loop of users, one transaction a request, through Locust's own client.

Reads the same plan as the lab's user (LAB_LOAD_PLAN). It notes nothing, so nothing can be reconciled: a benchmark.
"""

import json
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import lab_first  # noqa: F401
from locust import FastHttpUser, constant, events, task
from locust.runners import WorkerRunner

from lab.load.generator.ports import keep_to_this_machine
from lab.load.record.plan import PLAN_VARIABLE, Plan, SenderFile, read_urls
from lab.traffic.signed_file import read_signed
from lab.traffic.signer import SignedTransaction

PLAN = Plan.read(Path(os.environ[PLAN_VARIABLE]))
LEG = PLAN.legs()[0]
taken = count()
events.init_command_line_parser.add_listener(keep_to_this_machine)  # type: ignore[no-untyped-call]  # Locust's own


class OneUser(FastHttpUser):
    """Each user has a sender of its own."""

    wait_time = constant(0)
    host = read_urls(Path(PLAN.folder))[LEG.chain].reveal()

    def on_start(self) -> None:
        """Take the next sender of this process: every `workers`-th belongs to it."""
        runner = self.environment.runner
        rank = runner.worker_index if isinstance(runner, WorkerRunner) else 0
        position = next(taken) * PLAN.workers + rank
        mine: list[SenderFile] = [LEG.senders[position]] if position < len(LEG.senders) else []
        self.left: Iterator[SignedTransaction] = (t for file in mine for t in read_signed(Path(file.path)))

    @task
    def send(self) -> None:
        """One transaction, one request."""
        transaction = next(self.left, None)
        if transaction is None:
            self.stop()
            return
        body = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["0x" + transaction.raw.hex()]}
        with self.client.post("/", json=body, catch_response=True, name="one transaction a request") as response:
            answer = json.loads(response.text or "{}")
            if "result" not in answer:
                response.failure(str(answer.get("error", response.status_code)))
