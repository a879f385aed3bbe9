"""The lab's Locust user: each drives one stream of the plan on its worker. For Locust files only: it imports Locust.

The number of users follows from the plan (streams times workers); arrivals follow the plan's schedule, never the
number of users. Every transaction is a request event, with its latency counted from the intended time.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]  # has no type information
from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from lab.load.generator.companion import Companion, LocustOptions, NotPrepared
from lab.load.generator.driver import StreamDriver
from lab.load.generator.ports import keep_pages_out, keep_to_this_machine
from lab.load.generator.settings import contradictions
from lab.load.generator.worker import Worker, sampler
from lab.load.record.plan import CUT_OFF, PLAN_VARIABLE, START, Plan
from lab.load.record.worker_report import CutOff, Start

ASSIGN, DONE, STOP = "lab_assign", "lab_done", "lab_stop"
STARTS_IN_S = 1.0
LINGERS_S = 5.0
log = logging.getLogger("lab.load")


class Coordination:
    """What this process knows of the run: the plan, its rank, and on the master which workers are done."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.worker: Worker | None = None
        self.starts_at = 0.0
        self.workers = 1
        self.done: set[int] = set()
        self.ranks: dict[str, int] = {}
        self.plan_path = Path()
        self.companion: Companion | None = None
        self.environment: Environment | None = None
        self._sampler: gevent.Greenlet | None = None

    def ensure_plan(self, workers: int) -> Plan:
        """The plan of this run: the one that `lab load` names, else one that is prepared now."""
        if self.plan is None:
            if fixed := os.environ.get(PLAN_VARIABLE):
                self.plan_path = Path(fixed)
            else:
                self.companion = Companion.start(locust_options(self.environment), workers)
                self.plan_path = self.companion.plan
            self.plan = Plan.read(self.plan_path)
        return self.plan

    def assign(self, plan: str, rank: int, workers: int, starts_at: float) -> None:
        """This process is worker `rank` of `workers`."""
        self.finish()
        self.plan, self.starts_at, self.workers, self.done = Plan.read(Path(plan)), starts_at, workers, set()
        self.worker = Worker(self.plan, rank, workers, self._fire)
        self._sampler = gevent.spawn(sampler(self.worker, gevent.sleep))

    def end(self) -> None:
        """The run is over; the next one, if there is one, has a plan of its own."""
        self.finish()
        companion, self.companion = self.companion, None
        self.plan, self.starts_at, self.done = None, 0.0, set()
        if companion is not None and self.environment is not None:
            self.environment.process_exit_code = companion.finish()

    def finish(self) -> None:
        """Write the worker's report, if this process is one."""
        if self._sampler is not None:
            self._sampler.kill()
        if self.worker is not None:
            self.worker.close()

    def report_done(self) -> None:
        """Notify the master, or note it here where there is none."""
        assert self.worker is not None
        assert self.environment is not None
        # The report first: the run is reconciled as soon as all are done.
        self.finish()
        runner = self.environment.runner
        if isinstance(runner, WorkerRunner):
            # Locust itself gives last statistics half a second to arrive, which a busy machine may need longer for.
            last: dict[str, object] = {}
            self.environment.events.report_to_master.fire(  # type: ignore[no-untyped-call]  # Locust's own
                client_id=runner.client_id, data=last
            )
            runner.send_message("stats", last)
            runner.send_message(DONE, {"rank": self.worker.rank})
        else:
            self.done.add(self.worker.rank)

    def _fire(self, label: str, chain: str, milliseconds: float, size: int, error: str | None) -> None:
        assert self.environment is not None
        self.environment.events.request.fire(  # type: ignore[no-untyped-call]  # Locust's own
            request_type="raw tx",
            name=f"{label} {chain}",
            response_time=milliseconds,
            response_length=size,
            exception=None if error is None else RuntimeError(error),
            context={},
        )


here = Coordination()


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]  # Locust's own
def _add_options(parser: Any) -> None:
    keep_to_this_machine(parser)
    group = parser.add_argument_group("Tesseract Lab")
    group.add_argument("--lab-profile", env_var="LAB_PROFILE", default="buffer", help="a profile of loadtests/")
    group.add_argument(
        "--lab-session",
        env_var="LAB_SESSION",
        default="results/up/session.json",
        help="the session.json of running networks (lab up)",
    )
    group.add_argument("--lab-tps", env_var="LAB_TPS", default=None, help="instead of the profile's rate")
    group.add_argument("--lab-duration", env_var="LAB_DURATION", default=None, help="such as 60s")
    group.add_argument("--lab-results", env_var="LAB_RESULTS", default="results", help="where the report goes")


def locust_options(environment: Environment | None) -> LocustOptions:
    """What the command line asks for."""
    options = environment.parsed_options if environment is not None else None
    assert options is not None
    files = tuple(file for file in (options.locustfile or "").split(",") if file)
    return LocustOptions(
        options.lab_session, options.lab_profile, options.lab_tps, options.lab_duration, options.lab_results, files
    )


def worker_count(runner: Any) -> int:
    """How many processes send."""
    if not isinstance(runner, MasterRunner):
        return 1
    return max(1, len(runner.clients.ready) + len(runner.clients.running) + len(runner.clients.spawning))


def interrupt_main_only() -> None:
    """Ctrl-C arrives in the main greenlet, where Locust waits for it.

    Python raises it in whichever greenlet runs: it would end one that has just handed a transaction over and has not
    noted it yet.
    """
    # Of several processes, the one that only waits for the others has a handler of its own.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        gevent.signal_handler(signal.SIGINT, _interrupt)


def _interrupt() -> None:
    # Raised here, it would reach the main greenlet as well, but with a traceback on stderr.
    gevent.get_hub().handle_system_error(KeyboardInterrupt, KeyboardInterrupt())


@events.init.add_listener  # type: ignore[untyped-decorator]  # Locust's own
def _on_init(environment: Environment, **_: Any) -> None:
    here.environment = environment
    interrupt_main_only()
    if environment.web_ui is not None:
        keep_pages_out(environment.web_ui)
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        runner.register_message(ASSIGN, lambda environment, msg, **_: here.assign(**msg.data))
        runner.register_message(STOP, lambda environment, msg, **_: runner.stop())
    elif isinstance(runner, MasterRunner):
        runner.register_message(DONE, lambda environment, msg, **_: here.done.add(msg.data["rank"]))


@events.test_start.add_listener  # type: ignore[untyped-decorator]  # Locust's own
def _on_test_start(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    if isinstance(runner, WorkerRunner):
        return
    plan = here.ensure_plan(worker_count(runner))
    starts_at = plan.starts_at or time.time() + STARTS_IN_S
    folder = Path(plan.folder)
    if isinstance(runner, MasterRunner):
        clients = sorted(client.id for client in (*runner.clients.ready, *runner.clients.running))
        here.workers, here.done = len(clients), set()
        here.ranks = {client: rank for rank, client in enumerate(clients)}
        for client, rank in here.ranks.items():
            message = {"plan": str(here.plan_path), "rank": rank, "workers": len(clients), "starts_at": starts_at}
            runner.send_message(ASSIGN, message, client)
    else:
        here.assign(str(here.plan_path), 0, 1, starts_at)
    here.starts_at = starts_at
    against = contradictions(environment.parsed_options, plan.seconds, os.environ, sys.argv[1:])
    for contradiction in against:
        log.warning("the run will be INVALID: %s", contradiction)
    start = Start(starts_at=starts_at, workers=here.workers, contradictions=tuple(against))
    (folder / START).write_text(start.model_dump_json(), encoding="utf-8")


@events.test_stop.add_listener  # type: ignore[untyped-decorator]  # Locust's own
def _on_test_stop(environment: Environment, **_: Any) -> None:
    here.finish()
    runner = environment.runner
    if isinstance(runner, MasterRunner) and here.plan is not None:
        missing = sorted(here.ranks[client.id] for client in runner.clients.missing if client.id in here.ranks)
        (Path(here.plan.folder) / CUT_OFF).write_text(CutOff(ranks=tuple(missing)).model_dump_json(), encoding="utf-8")
    if isinstance(runner, MasterRunner) and len(here.done) < here.workers:
        # Locust fires this on the master before it tells its workers to quit; their reports are needed first.
        runner.send_message(STOP)
    if not isinstance(runner, WorkerRunner):
        here.end()


@events.quitting.add_listener  # type: ignore[untyped-decorator]  # Locust's own
def _on_quitting(environment: Environment, **_: Any) -> None:
    here.finish()


class StreamUser(User):
    """Drives one stream and then rests."""

    @task
    def drive(self) -> None:
        """Claim a stream and drive it to its end."""
        worker = here.worker
        driver: StreamDriver | None = worker.claim() if worker is not None else None
        if worker is None or driver is None:
            gevent.sleep(1)
            return
        driver.run(here.starts_at)
        if worker.done:
            here.report_done()


class PlanShape(LoadTestShape):
    """As many users as the plan has streams on all workers; ends when all are done, or at the plan's last moment."""

    def tick(self) -> tuple[int, float] | None:
        """See Locust."""
        runner = self.runner
        try:
            plan = here.ensure_plan(worker_count(runner))
        except NotPrepared as failure:
            if here.environment is not None:
                here.environment.process_exit_code = failure.exit_code
            log.error("%s", failure)
            return None
        if here.starts_at and len(here.done) >= here.workers:
            return None
        latest_s = plan.latest_s + LINGERS_S
        if here.starts_at and time.time() > here.starts_at + latest_s:
            log.warning("not every stream ended in time: %d of %d workers are done", len(here.done), here.workers)
            return None
        users = len(plan.streams) * worker_count(runner)
        return users, users
