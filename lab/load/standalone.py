"""`python -m lab.load.standalone`: what plain Locust needs around it, as a process of its own.

Prepares a run on the networks of a running `lab up`, says on stdout where its plan is, watches the chains until its
stdin closes, then drains, reconciles and writes the report. Its exit code is that of `lab load`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.chains.wall_clock import WallClockWatch
from lab.errors import LabError
from lab.load.analyse.facts import Ending
from lab.load.analyse.judge import EXIT_CODES
from lab.load.analyse.reconcile import reconcile_run
from lab.load.drive.watch import Watch
from lab.load.prepare.context import context_of
from lab.load.prepare.made_of import MadeOf
from lab.load.prepare.prepare import prepare
from lab.load.prepare.sources import LoadEnvironment, running_session
from lab.load.profile.profile import (
    LoadProfile,
    NetworkUse,
    changed_profile,
    load_profile,
    option_duration_ms,
    profile_file,
    with_options,
)
from lab.load.record.begun import new_folder
from lab.load.report.files import write_files
from lab.load.report.summary_text import verdict_lines
from lab.load.run import FLOW_QUIET_S, SIGNED, ceiling_warnings, clock_trouble
from lab.session.project_search import find_project
from lab.session.suite import cache_folder
from lab.traffic.signer import require_fast_backend


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare, wait, reconcile; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lab.load.standalone", description=__doc__)
    parser.add_argument("--session", type=Path, required=True, help="the session.json of a running lab")
    parser.add_argument("--profile", default="buffer", help="a profile of loadtests/, or a file")
    parser.add_argument("--tps", type=float, help="arrivals a second at the peak")
    parser.add_argument("--duration", help="such as 60s")
    parser.add_argument("--workers", type=int, default=1, help="Locust processes that send")
    parser.add_argument("--beside", type=Path, action="append", default=[], help="the Locust file: its lab.yaml counts")
    parser.add_argument("--results", type=Path, default=Path("results"))
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return error.exit_code


def _run(options: argparse.Namespace) -> int:
    require_fast_backend()
    own = profile_file(options.profile)
    beside = [*options.beside, *([own] if own is not None else [])]
    environment = running_session(options.session, beside)
    if environment.under_test is not None:
        _notify(environment.under_test.line)
    profile = _profile(options, environment)
    project, own_profile = find_project(Path.cwd(), beside), [own] if own is not None else ()
    run_id, folder = new_folder(options.results, profile, project, own_profile)
    prepared = prepare(
        profile,
        environment.targets,
        environment.owner,
        run_id=run_id,
        folder=folder,
        cache=cache_folder() / SIGNED,
        notify=_notify,
    )
    for warning in ceiling_warnings(prepared):
        _notify(f"warning: {warning}")
    context = context_of(
        prepared,
        environment.targets,
        command=f"locust, profile {options.profile}",
        relayer="reference" if profile.has_flows else "none",
        made_of=MadeOf(
            backend={"backend": "session", "session": str(options.session)}, under_test=environment.under_test
        ),
    )
    context.write(folder)
    watch = Watch(folder, context, nodes={}, processes=lambda: {}, profiles={})
    clock = WallClockWatch()
    watch.start()
    try:
        print(folder / "plan.json", flush=True)
        sys.stdin.read()
        _notify("draining")
        watch.drain(profile.drain_ms / 1000, FLOW_QUIET_S if profile.has_flows else 0.0)
    finally:
        watch.stop()
    trouble = clock_trouble(clock)
    result = reconcile_run(folder, Ending(lost=(trouble,) if trouble else ()))
    page = write_files(result, folder)
    for line in [*verdict_lines(result), f"report  {page}"]:
        _notify(line)
    return EXIT_CODES[result.judged.outcome]


def _profile(options: argparse.Namespace, environment: LoadEnvironment) -> LoadProfile:
    """The profile on the networks that run: its own are not started by anybody here."""
    chosen = with_options(
        load_profile(options.profile),
        tps=options.tps,
        duration_ms=option_duration_ms(options.duration),
        networks=None,
        workers=options.workers,
        operators=None,
    )
    uses = {
        name: NetworkUse(profile=target.network, gas_limit=target.gas_limit if target.synthetic else None)
        for name, target in environment.targets.items()
    }
    return changed_profile(chosen, networks=uses)


def _notify(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
