"""Each deliberately broken relayer is caught, by the check named for its bug; the reference passes the same runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.checks import CHECKS
from lab.model.verdict import Verdict
from lab.relayer import Parts, Relayer
from lab.report.causes.find import find_causes
from lab.report.causes.terminal import causes_text
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.relayer.actor import RelayerFactory

from ..conftest import ROOT, compiled
from . import deciding, habits, keeping

LIBRARY, OWN = Path("scenarios"), Path("tests/detection/scenarios")
SWAP, BACK = LIBRARY / "dependencies/single_dependency.yaml", LIBRARY / "failures/parent_reorged_back.yaml"
FAMILY = LIBRARY / "dependencies/fan_out_fan_in.yaml"
KILLED, DEAD_NODE = LIBRARY / "failures/relayer_killed.yaml", LIBRARY / "failures/node_killed.yaml"
SPIKE, FORGED = LIBRARY / "congestion/base_fee_spike.yaml", LIBRARY / "failures/forged_mirror.yaml"
EXPIRED, GONE = LIBRARY / "failures/expired_parent.yaml", LIBRARY / "failures/parent_reorged.yaml"
LATE = LIBRARY / "monitoring/late.yaml"
LAGGING = LIBRARY / "failures/lagging_replica.yaml"
RULES, RESTARTED = LIBRARY / "dependencies/finality_rules.yaml", LIBRARY / "failures/relayer_restarted.yaml"
CLOCKS = LIBRARY / "failures/clock_of_another.yaml"
FLOWS, FLAKY = LIBRARY / "dependencies/parallel_flows.yaml", LIBRARY / "failures/flaky_rpc.yaml"
CHANGED, AMID = LIBRARY / "failures/window_changed.yaml", LIBRARY / "failures/relayer_killed_amid_blocks.yaml"
PAUSED, SIZES = LIBRARY / "failures/paused_mid_flow.yaml", LIBRARY / "failures/payload_limits.yaml"
EVERYWHERE = LIBRARY / "congestion/spike_everywhere.yaml"
STALLED = LIBRARY / "failures/finality_stalled.yaml"
LOST, DEAF = OWN / "lost_reply_of_two.yaml", OWN / "logs_not_to_be_had.yaml"
CUT, THINNED = OWN / "window_cut_behind_a_resolve.yaml", LIBRARY / "failures/missing_logs.yaml"
OLDER = OWN / "ready_behind_an_older_store.yaml"

# The bug, the part that has it, the scenario in which it shows, the check that must name it, and words of its finding.
DETECTIONS = [
    ("no confirmations", Parts(judge=deciding.NoConfirmations), BACK, "S2", "to become READY only on a final parent"),
    ("finality counted, not asked for", Parts(judge=deciding.CountsBehindTheTag), STALLED, "S2", "final from"),
    (
        "finality by seconds left out",
        Parts(judge=deciding.LeavesSecondsOut),
        RULES,
        "S2",
        "in this run by 24 s",
    ),
    ("seconds taken for blocks", Parts(judge=deciding.SecondsAsBlocks), RULES, "S2", "in this run by 24 s"),
    ("believes forged mirrors", Parts(core=deciding.Credulous()), FORGED, "S2", "is not READY on the canonical"),
    ("executes mirrors", Parts(core=deciding.ExecutesMirrors()), SWAP, "S5", "never to execute a mirror"),
    (
        "exchanges a mirror's rollups",
        Parts(core=deciding.ExchangesRollups()),
        SWAP,
        "S7",
        "to go from ethereum to optimism",
    ),
    (
        "mirrors under another id",
        Parts(core=deciding.MirrorsAnotherId()),
        SWAP,
        "S2",
        "its origin, ethereum, has no transaction of that id",
    ),
    (
        "mirrors that are due late",
        Parts(core=deciding.MirrorsLate()),
        SWAP,
        "L1",
        "the mirror of swap.pay, buffered at",
    ),
    ("one child of a parent", Parts(core=deciding.OneChild()), FAMILY, "L1", "expected out."),
    ("never mirrors", Parts(core=deciding.NeverMirrors()), SWAP, "S9", "swap.settle (its parent is swap.pay) expired"),
    ("checkpoint before persist", Parts(store=keeping.CheckpointFirst), KILLED, "S12", "is missing in it"),
    (
        "checkpoint without hash",
        Parts(scan=keeping.by_number),
        GONE,
        "S12",
        "was buffered in block none, in it by block",
    ),
    (
        "chain id left out of the key",
        Parts(ledger=keeping.KeyWithoutChain, store=keeping.KeyWithoutChainStore),
        SWAP,
        "S12",
        "hold swap.pay on ethereum as the chain does; it is missing in it",
    ),
    (
        "reads on at the head after a restart",
        Parts(scan=keeping.newest_only, complete=keeping.trusting),
        RESTARTED,
        "L2",
        "expected c.pay on polygon to be READY",
    ),
    (
        "a replica's answer taken for the chain's",
        Parts(scan=keeping.by_number, complete=keeping.trusting),
        LAGGING,
        "S12",
        "hold last.pay on polygon as the chain does; it is missing in it",
    ),
    ("checkpoint before persist, at any moment", Parts(store=keeping.CheckpointFirst), RESTARTED, "S12", "is missing"),
    ("empty logs taken for none", Parts(complete=keeping.trusting), THINNED, "S12", "is missing in it"),
    (
        "failed log query taken for none",
        Parts(scan=keeping.failure_is_no_news, complete=keeping.trusting),
        DEAF,
        "S12",
        "is missing in it",
    ),
    ("what no log told of did not happen", Parts(caller=keeping.NeverDoubts), OLDER, "S12", "in it in block none"),
    ("status trusted", Parts(caller=keeping.TrustsStatus), CUT, "S12", "became READY in block none, in it in block"),
    ("dawdles", Parts(core=deciding.Dawdles()), SWAP, "L1", "expected swap.settle to be READY on optimism by"),
    (
        "the first chain's clock for all",
        Parts(core=deciding.OneClock("polygon")),
        CLOCKS,
        "L1",
        "expected on_base.alone to be READY on base",
    ),
    (
        "the last chain's clock for all",
        Parts(core=deciding.OneClock("base")),
        CLOCKS,
        "L1",
        "expected on_polygon.alone to be READY on polygon",
    ),
    ("never expires", Parts(core=deciding.NeverExpires()), EXPIRED, "L2", "or EXPIRED by"),
    (
        "never executes",
        Parts(core=deciding.NeverExecutes()),
        SWAP,
        "L2",
        "to be EXECUTED by the end (",
    ),
    ("nonce reused after timeout", Parts(sender=keeping.ReusesNonce), LOST, "L3", "to carry one call"),
    ("nonce skipped", Parts(sender=keeping.SkipsNonce), SWAP, "L3", "was never accepted"),
    ("forgets at a crash", Parts(store=keeping.Amnesiac), KILLED, "L4", "to end EXECUTED once, as without the crash"),
    ("waits for every chain", Parts(core=deciding.AllOrNothing()), DEAD_NODE, "L5", "optimism was down"),
    ("resolves early for ever", Parts(core=deciding.Impatient()), DEAF, "L6", "attempts, each with a nonce of its own"),
    (
        "leaves what has its parent beside it",
        Parts(core=habits.ExecutesAbroadOnly()),
        FAMILY,
        "L2",
        "expected out.home on polygon, READY and executable",
    ),
    (
        "gives up what failed once",
        Parts(core=habits.NeverTwice()),
        EVERYWHERE,
        "L1",
        "with status 1 and TransactionFailed (Dependencies not satisfied), and none followed",
    ),
    (
        "one thing after the other",
        Parts(core=habits.OldestFirst()),
        FLOWS,
        "L1",
        "expected c.up to be READY on base by",
    ),
    (
        "asks for the window once",
        Parts(core=habits.WindowOfOld()),
        CHANGED,
        "L1",
        "expected longer.settle to be READY on optimism by",
    ),
    (
        "another call under the nonce of what waits",
        Parts(sender=habits.OtherCall),
        RESTARTED,
        "L3",
        "to carry one call; it carried",
    ),
    (
        "goes on one block too late after a restart",
        Parts(store=habits.BehindTheNext, scan=keeping.by_number, complete=keeping.trusting),
        AMID,
        "L2",
        "expected every.p4 on polygon to be READY",
    ),
    (
        "gives up a chain that failed once",
        Parts(scan=habits.GivesUpAChain()),
        FLAKY,
        "L2",
        "expected swap.pay on polygon, READY and executable",
    ),
    (
        "the first of several in a block",
        Parts(scan=habits.first_of_a_block, complete=keeping.trusting),
        FAMILY,
        "L2",
        "expected out.margin on optimism to be READY, EXECUTED, or EXPIRED",
    ),
    (
        "gives up a chain that was stopped once",
        Parts(caller=habits.StoppedForGood),
        PAUSED,
        "L1",
        "expected swap.settle to be READY on optimism by",
    ),
    (
        "too little gas for a large payload",
        Parts(sender=habits.SmallGas, batches=False),
        SIZES,
        "L1",
        "150000 gas spent (out of gas",
    ),
    ("underpriced retry of the same bytes", Parts(sender=keeping.SameBytes), SPIKE, "L6", "of the very same bytes"),
]


def play(
    scenario: Path,
    backend: ProcessBackend,
    folder: Path,
    relayer: RelayerFactory,
    contract: str = "TesseractCoordinator.vy",
) -> Result:
    """The first item of a scenario with this relayer and contract."""
    item = load_scenario(ROOT / scenario, known_checks=CHECKS)[0]
    target = compiled(Path(contract))
    return run_item(item, Options(backend, "a test", target, "detection", relayer_factory=relayer), folder, "")


@pytest.mark.parametrize(
    ("bug", "parts", "scenario", "named", "words"), DETECTIONS, ids=[bug for bug, *_ in DETECTIONS]
)
def test_the_check_named_for_the_bug_finds_it(
    shared_backend: ProcessBackend, tmp_path: Path, bug: str, parts: Parts, scenario: Path, named: str, words: str
) -> None:
    """FAIL by that check, with the finding that tells this bug from others."""
    result = play(scenario, shared_backend, tmp_path, partial(Relayer, parts=parts))
    found = next(each for each in result.verdict.checks if each.check == named)
    assert (result.verdict.verdict, found.verdict) == (Verdict.FAIL, Verdict.FAIL), found.reason
    told = [finding.message for finding in found.findings] + [found.reason]
    assert any(words in each for each in told), found.reason


@pytest.mark.parametrize(
    ("core", "title"),
    [
        (deciding.Dawdles(), "L1 ready in time"),
        (deciding.MirrorsLate(), "L1 ready in time"),
        (deciding.MirrorsAnotherId(), "S2 parent final"),
        (deciding.ExecutesMirrors(), "S5 once"),
        (deciding.ExchangesRollups(), "S7 payload"),
        (deciding.CutsPayloads(), "S7 payload"),
    ],
    ids=["dawdles", "late", "another id", "executes", "exchanges", "cuts"],
)
def test_a_relayers_mistake_is_one_cause(
    shared_backend: ProcessBackend, tmp_path: Path, core: deciding.Decisions, title: str
) -> None:
    """No function of the contract is to blame for what came too late, or for a call that should not have been sent."""
    result = play(SWAP, shared_backend, tmp_path / "run", partial(Relayer, parts=Parts(core=core)))
    (cause,) = find_causes(tmp_path, [result.folder], "a session").causes
    assert (cause.title, cause.function, cause.documented) == (title, "", "")


def test_the_wall_clock_is_as_good_as_each_chains_own(shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """Whoever goes by it fails nothing where the chain that something is due on is in time."""
    result = play(CLOCKS, shared_backend, tmp_path, partial(Relayer, parts=Parts(core=deciding.WallClock())))
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


def test_numbers_of_blocks_are_enough_where_nothing_is_reorganised(
    shared_backend: ProcessBackend, tmp_path: Path
) -> None:
    """What goes on one block too late is caught for that, and not for going by numbers."""
    parts = Parts(scan=keeping.by_number, complete=keeping.trusting)
    result = play(AMID, shared_backend, tmp_path, partial(Relayer, parts=parts))
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


@pytest.mark.parametrize("checks", ["", "L1", "L1 L5 S9", "L1 L2 L5 S9"])
@pytest.mark.parametrize("chain", ["ethereum", "optimism"])
def test_whoever_is_blind_to_a_chain_is_told_so(
    shared_backend: ProcessBackend, tmp_path: Path, chain: str, checks: str
) -> None:
    """By whichever check, or expectation, is left to find it; where a terminal shows it, too."""
    item = load_scenario(ROOT / SWAP, known_checks=CHECKS)[0]
    item = replace(item, checks=replace(item.checks, added=(), removed=tuple(checks.split())))
    factory = partial(Relayer, parts=Parts(core=deciding.Blind(chain)))
    options = Options(
        shared_backend, "a test", compiled(Path("TesseractCoordinator.vy")), "detection", relayer_factory=factory
    )
    result = run_item(item, options, tmp_path / "run", "")
    report = find_causes(tmp_path, [result.folder], "a session")
    (cause,) = report.causes
    words = f"the relayer sent nothing at all on {chain}"
    assert words in cause.deviation
    assert words in " ".join(" ".join(causes_text(report)).split())
    assert cause.function == ""


@pytest.mark.parametrize("chain", ["ethereum", "optimism"])
def test_a_silent_relayer_is_one_cause_over_all_runs(
    shared_backend: ProcessBackend, tmp_path: Path, chain: str
) -> None:
    """Whether a check finds it in one of them, another check in the next, or an expectation alone."""
    folders = []
    for removed in ((), ("L1",), ("L1", "L5", "S9"), ("L1", "L2", "L4", "L5", "S9")):
        item = load_scenario(ROOT / SWAP, known_checks=CHECKS)[0]
        item = replace(item, checks=replace(item.checks, added=(), removed=removed))
        target, factory = (
            compiled(Path("TesseractCoordinator.vy")),
            partial(Relayer, parts=Parts(core=deciding.Blind(chain))),
        )
        options = Options(shared_backend, "a test", target, "detection", relayer_factory=factory)
        folders.append(run_item(item, options, tmp_path / f"without {len(removed)}", "").folder)
    (cause,) = find_causes(tmp_path, folders, "a session").causes
    assert len(cause.runs) == len(folders)
    assert f"the relayer sent nothing at all on {chain}" in cause.deviation


@pytest.mark.parametrize("scenario", [EXPIRED, FORGED, GONE, LATE], ids=lambda path: path.stem)
def test_whoever_does_nothing_passes_nothing(shared_backend: ProcessBackend, tmp_path: Path, scenario: Path) -> None:
    """Where what must not happen is left undone, and the contract has no end for it, something else has to be done."""
    relayer = partial(Relayer, parts=Parts(core=deciding.DoesNothing()))
    result = play(scenario, shared_backend, tmp_path, relayer, "plain/PlainCoordinator.vy")
    assert result.verdict.verdict is Verdict.FAIL
    assert any("got" in reason and "BUFFERED" in reason for reason in result.verdict.reasons), result.verdict.reasons


@pytest.mark.parametrize(
    "scenario",
    sorted({scenario for _, _, scenario, *_ in DETECTIONS if LIBRARY not in scenario.parents}),
    ids=lambda path: path.stem,
)
def test_the_reference_passes_the_same_scenario(shared_backend: ProcessBackend, tmp_path: Path, scenario: Path) -> None:
    """A check that fails the reference too would detect nothing. The library's are run by `make scenarios`."""
    result = play(scenario, shared_backend, tmp_path, Relayer)
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons


def test_every_check_about_relayers_catches_one() -> None:
    """A check that no broken relayer fails is a claim. The others are about contracts, and have theirs elsewhere.

    L7 counts the requests of processes: test_foreign.py.
    """
    contracts = {"S1", "S3", "S4", "S6", "S8", "S10", "S11"}
    assert {named for _, _, _, named, _ in DETECTIONS} == set(CHECKS) - contracts - {"L7"}
