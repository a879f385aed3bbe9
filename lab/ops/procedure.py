"""Carries a procedure out: plan, ask, send, wait for final blocks, read again; no chain waits for another.

With `yes` each chain goes its way alone, so that a silent one holds no other up. Without, all plans are shown first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from lab.errors import LabError
from lab.live.execution.waiting import Waiting
from lab.ops.chain import OperatedChain
from lab.ops.executors import Executor, Result, SignerExecutor
from lab.ops.operation import Operation
from lab.ops.planning import Plan, Procedure, calls_of, make_plan, plan_lines, stale
from lab.ops.report import ChainReport, Report, absent_reports, audit, report_id, write_evidence
from lab.ops.state import ChainState, read_final

# What was done may be lost with its block, and is done again; a chain that loses it so often is in no order.
ROUNDS_MAX = 5
Ask = Callable[[Sequence[Plan]], bool]


def carry_out(
    operation: Operation,
    procedure: Procedure,
    executor: Executor,
    *,
    only: tuple[str, ...] = (),
    ask: Ask | None = None,
    send: bool = True,
) -> Report:
    """One report of all chains; its evidence is written. `ask` None: everything is sent without a question.

    `send` False only compares. Raises UsageError for a chain that is not there, OSError where nothing can be written.
    """
    chains = operation.select(only)
    work = _Work(operation, procedure, executor, report_id(operation, procedure.name))
    everywhere = operation.timing.everywhere
    if ask is None or not send:
        reports = everywhere({chain.name: partial(work.run, chain, send=send) for chain in chains})
    else:
        plans = everywhere({chain.name: partial(work.plan, chain) for chain in chains})
        agreed = not any(plan.sendable for plan in plans.values()) or ask(list(plans.values()))
        reports = everywhere(
            {chain.name: partial(work.follow, chain, plans[chain.name], send=agreed, check=True) for chain in chains}
        )
    report = Report(
        work.id,
        procedure.name,
        operation.name,
        operation.who,
        executor.described,
        [*(reports[chain.name] for chain in chains), *absent_reports(operation, only)],
    )
    write_evidence(operation, report)
    return report


class _Patience:
    """How often something is tried where somebody else sends from the account: each loss of a nonce is a round.

    What was not even signed waits until the other's transaction is in a block, as long as one counts as stuck.
    """

    def __init__(self, waiting: Waiting) -> None:
        self.rounds, self._waiting, self._since_s = 0, waiting, float("inf")

    def goes_on(self, results: Sequence[Result]) -> bool:
        """Whether to try again what somebody else came before."""
        first, now_s = next((result for result in results if result.again), None), self._waiting.now()
        if first is None or first.tx is not None:
            self.rounds, self._since_s = self.rounds + 1, float("inf")
            return first is not None and self.rounds < ROUNDS_MAX
        self._since_s = min(self._since_s, now_s)
        return now_s - self._since_s < self._waiting.stuck_s

    def wait(self) -> None:
        """A look's time."""
        self._waiting.sleep(self._waiting.look_s)


def _overtaken(results: Sequence[Result], fresh: Plan) -> bool:
    """Whether a call was refused since its plan was stale when its turn came: it is not to be done any more."""
    if any(result.outcome not in ("confirmed", "refused") for result in results) or fresh.unread is not None:
        return False
    return any(result.outcome == "refused" and result.call not in fresh.calls for result in results)


class _Work:
    """One command, for each chain from its plan to its report."""

    def __init__(self, operation: Operation, procedure: Procedure, executor: Executor, name: str) -> None:
        self._operation, self._procedure, self._executor, self.id = operation, procedure, executor, name
        self._begun_s = operation.timing.unix()

    def plan(self, chain: OperatedChain) -> Plan:
        """What would be done."""
        return make_plan(self._operation, self._procedure, self._executor, chain)

    def run(self, chain: OperatedChain, *, send: bool) -> ChainReport:
        """All of it, without a question; the plan is shown as soon as it is made."""
        plan = self.plan(chain)
        if send:
            self._operation.notify("\n".join(plan_lines(plan)))
        return self.follow(chain, plan, send=send, check=False)

    def follow(self, chain: OperatedChain, plan: Plan, *, send: bool, check: bool) -> ChainReport:
        """From a plan to the report; with `check` it is refused if it went stale meanwhile."""
        report = ChainReport(chain.name, "unknown", plan)
        try:
            self._follow(chain, plan, report, send=send, check=check)
        except LabError as error:
            report.left.append(str(error))
        report.seconds = self._operation.timing.unix() - self._begun_s
        self._operation.notify(f"{chain.name}: {report.standing} after {report.seconds:.1f} s")
        return report

    def _follow(self, chain: OperatedChain, plan: Plan, report: ChainReport, *, send: bool, check: bool) -> None:
        if plan.unread is not None:
            report.left.append(plan.unread)
            return
        if send:
            if isinstance(self._executor, SignerExecutor):
                plan = report.plan = self._taken_up(chain, plan, report)
            if check and plan.sendable and (why := stale(self._operation, self._procedure, chain, plan)) is not None:
                report.standing, report.left = "differs", [why]
                return
            self._send(chain, plan, report)
        self._judge(chain, report)

    def _taken_up(self, chain: OperatedChain, plan: Plan, report: ChainReport) -> Plan:
        """What an earlier command signed is brought to its end first; the plan is made anew after it."""
        assert isinstance(self._executor, SignerExecutor)
        if not self._executor.unfinished(chain):
            return plan
        results = self._executor.finish(chain)
        self._note(results, report)
        return self.plan(chain)

    def _send(self, chain: OperatedChain, plan: Plan, report: ChainReport) -> None:
        """Rounds, since a block that is lost takes what was done with it, and another administrator may come first."""
        agreed, patience = plan.calls, _Patience(self._operation.timing.waiting)
        while plan.sendable and patience.rounds < ROUNDS_MAX:
            results = self._executor.execute(chain, plan.calls)
            again = patience.goes_on(results)
            results = [one if one.outcome == "confirmed" else replace(one, again=again) for one in results]
            self._note(results, report)
            self._time(chain, results, report)
            if again:
                self._operation.notify(f"{chain.name}: another transaction of the account came first: once more")
                patience.wait()
            fresh = self.plan(chain)
            if any(call not in agreed for call in fresh.calls):
                # What somebody else did leaves something else to be done than what was agreed to.
                break
            if not again and not all(result.outcome == "confirmed" for result in results):
                if not _overtaken(results, fresh):
                    break
                self._operation.notify(f"{chain.name}: somebody else did a part of it meanwhile: on with the rest")
                report.results[-len(results) :] = [replace(one, again=one.outcome == "refused") for one in results]
            plan = fresh

    def _note(self, results: Sequence[Result], report: ChainReport) -> None:
        report.results += results
        audit(self._operation, self.id, self._executor.described, results)

    def _time(self, chain: OperatedChain, results: Sequence[Result], report: ChainReport) -> None:
        """To the block of the last call, by the time that it carries."""
        blocks = [result.block for result in results if result.block is not None]
        if blocks and len(blocks) == len(results):
            block = chain.rpc.block(max(blocks)) or {"timestamp": "0x0"}
            report.effective_s = max(0.0, int(block["timestamp"], 16) - self._begun_s)

    def _judge(self, chain: OperatedChain, report: ChainReport) -> None:
        """Read the final state again, once what is on its way is final, and compare."""
        state = report.after = self._settled(chain, report)
        desired = self._procedure.wants(chain, state)
        report.left += [one.reason for one in report.results if one.reason is not None and not one.again]
        report.left += [*desired.problems, *desired.left]
        report.left += [f"{call.text} is still to be done" for call in calls_of(chain, desired.calls)]
        if any(result.outcome == "unknown" for result in report.results) and desired.calls:
            report.standing = "unknown"
        else:
            differs = desired.calls or desired.left or desired.problems
            report.standing = "differs" if differs else "equal"

    def _settled(self, chain: OperatedChain, report: ChainReport) -> ChainState:
        """The final state; where a change is in a block that is not final, the wait is for that block."""
        accounts, timing = self._procedure.accounts(chain), self._operation.timing
        state = read_final(chain, accounts, timing)
        if any(result.outcome != "confirmed" and not result.again for result in report.results):
            return state
        head, deadline_s = chain.rpc.block_number(), timing.waiting.now() + timing.waiting.deadline_s
        while self._waits(chain, state) and state.block < head and timing.waiting.now() < deadline_s:
            timing.waiting.sleep(timing.waiting.look_s)
            state = read_final(chain, accounts, timing)
        return state

    def _waits(self, chain: OperatedChain, state: ChainState) -> bool:
        """Whether the newest block needs less to be done than the final one."""
        if not (calls := self._procedure.wants(chain, state).calls):
            return False
        latest = make_plan(self._operation, self._procedure, self._executor, chain)
        return latest.unread is None and len(latest.calls) < len(calls)
