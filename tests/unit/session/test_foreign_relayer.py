"""A relayer that the lab knows nothing of: the example of the docs works, and those that never get ready are named."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.deployer import Deployable, deployable
from lab.errors import UsageError
from lab.evidence.folder import sha256_file
from lab.model.records import Note, Submit
from lab.model.verdict import Verdict
from lab.paths import REFERENCE_CONTRACT
from lab.runner.runner import Options, Result, run_item
from lab.scenario.resolve import load_scenario
from lab.session.relayer import start as relayer_start
from lab.session.relayer.command import parse_command
from tests.busy import too_busy
from tests.compiling import compile_once

pytestmark = pytest.mark.real_clock

PYTHON = shlex.quote(sys.executable)
EXAMPLE = Path(__file__).parents[3] / "docs" / "example_relayer.py"
SWAP = """
name: A payment and its settlement
description: Two chains with a block every two seconds, and whatever relayer.
networks:
  one: {profile: optimism, finality: {blocks: 1}}
  two: {profile: optimism, finality: {blocks: 1}}
timeout: 180s
window: 60s
checks: [default, -L1, -L2]     # how soon the relayer acts is this machine's affair
relayer: {poll: 500ms}
flows:
  swap:
    pay:    {chain: one, at: +AHEADs}
    settle: {chain: two, at: +AHEADs, after: pay}
timeline:
  - buffer: swap
  - expect: {leg: swap.settle, state: EXECUTED}
    within: 90s
"""
# As long on the wall at ten times the speed.
TENFOLD = (
    SWAP.replace("timeout: 180s", "timeout: 30m").replace("60s", "5m").replace("500ms", "2s").replace("90s", "15m")
)
POINT = SWAP + "  - {fault: relayer_kill, point: after_scan, restart_after: 1s}\n"
STORE = SWAP + "  - {fault: stale_store, restore_after: 1s}\n"
NONE = SWAP.partition("relayer:")[0].replace("optimism", "base") + "relayer: none\ntimeline:\n  - wait: 1s\n"
HALF = """
import json, sys, time, urllib.request
print("looking at", sys.argv[1], flush=True)
chain = json.load(open(sys.argv[1]))["chains"]["one"]
body = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
request = urllib.request.Request(chain["rpc_url"], json.dumps(body).encode(), {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).status, flush=True)
time.sleep(600)
"""

ENDS = """
import json, sys, time, urllib.request
body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}).encode()
for chain in json.load(open(sys.argv[1]))["chains"].values():
    urllib.request.urlopen(urllib.request.Request(chain["rpc_url"], body, {"Content-Type": "application/json"}))
time.sleep(3)
{}["nonce"]
"""


@pytest.fixture(scope="module")
def target() -> Deployable:
    return deployable(compile_once(REFERENCE_CONTRACT))


@pytest.fixture
def backend() -> Iterator[ProcessBackend]:
    backend = ProcessBackend()
    yield backend
    backend.close()


def run(
    text: str,
    folder: Path,
    backend: ProcessBackend,
    target: Deployable,
    command: str,
    ahead_s: int = 8,
    speed: float = 1,
) -> Result:
    """A scenario with a command as its relayer, the reference for none.

    `ahead_s`: how long before it is due a leg is buffered.
    """
    folder.mkdir(exist_ok=True)
    file = folder / "scenario.yaml"
    file.write_text(text.replace("AHEAD", str(ahead_s)))
    (item,) = load_scenario(file)
    own = parse_command(command, folder) if command else None
    options = Options(backend, "asked for", target, "test", clock="real", speed=speed, relayer_command=own)
    return run_item(item, options, folder / "run", "again")


def test_the_example_carries_a_flow(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """PASS in real time by every check that can see it; what is known of the program is its command and its digest."""
    command = f"{PYTHON} {shlex.quote(str(EXAMPLE))} --api-key=0123 {{session}}"
    for ahead_s in (8, 40):
        folder = tmp_path / str(ahead_s)
        result = run(SWAP, folder, backend, target, command, ahead_s)
        # A machine with much else to do gets a second run, with time for that.
        if not too_busy(result.verdict):
            break
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    judged = {check.check: check.verdict for check in result.verdict.checks}
    assert judged["S12"] is Verdict.NOT_EXERCISED
    assert {judged[check] for check in ("S1", "S2", "S3", "S5", "S9", "L3", "L6")} == {Verdict.PASS}
    assert result.history.header.clock == "real"
    functions = [submit.function for submit in result.history.of(Submit) if submit.chain == "two"]
    assert functions == ["buffer_transaction", "resolve_dependency", "resolve_dependency", "mark_executed"]
    relayer = json.loads((folder / "run" / "manifest.json").read_text())["relayer"]
    assert relayer["kind"] == "command"
    assert relayer["files"][EXAMPLE.name] == sha256_file(EXAMPLE)
    assert "--api-key=***" in relayer["command"]
    assert "0123" not in relayer["command"]


@pytest.mark.faketime
@pytest.mark.reliability
@pytest.mark.parametrize(
    "command",
    ["", f"{PYTHON} {shlex.quote(str(EXAMPLE))}", f"{PYTHON} -m lab.relayer --session"],
    ids=["reference", "example", "reference as a process"],
)
def test_the_same_ten_times_as_fast(command: str, tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """The reference, the example, and the reference with a dilated clock, which does not count the speed twice."""
    if command.endswith("--session"):
        command += " {session}"
    for ahead_s in (80, 240):
        folder = tmp_path / str(ahead_s)
        result = run(TENFOLD, folder, backend, target, command, ahead_s, speed=10)
        if not too_busy(result.verdict):
            break
    assert result.verdict.verdict is Verdict.PASS, result.verdict.reasons
    functions = [submit.function for submit in result.history.of(Submit) if submit.chain == "two"]
    assert set(functions) == {"buffer_transaction", "resolve_dependency", "mark_executed"}
    assert json.loads((folder / "run" / "session.json").read_text())["speed"] == 10
    assert json.loads((folder / "run" / "manifest.json").read_text())["speed"] == 10


@pytest.mark.faketime
def test_one_that_drops_the_library(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """A wrapper may do without, what stands at the end may not."""
    (tmp_path / "without.sh").write_text(f"unset LD_PRELOAD\n{PYTHON} {shlex.quote(str(EXAMPLE))}\n")
    command = f"sh {shlex.quote(str(tmp_path / 'without.sh'))}"
    (reason,) = run(SWAP, tmp_path, backend, target, command, 40, speed=10).verdict.reasons
    assert "the relayer cannot run at --speed 10: " in reason
    assert " is statically linked, or dropped LD_PRELOAD" in reason


def test_one_that_never_polls_a_chain(
    tmp_path: Path, backend: ProcessBackend, target: Deployable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason names the chain, and says where the URL stands that was never asked: nothing can be concluded."""
    monkeypatch.setattr(relayer_start, "READY_WITHIN_S", 3.0)
    (tmp_path / "half.py").write_text(HALF)
    result = run(SWAP, tmp_path, backend, target, f"{PYTHON} half.py {{session}}")
    (reason,) = result.verdict.reasons
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert "the relayer never polled two within 3 s" in reason
    assert "rpc_url in session.json (it polled one)" in reason
    assert "Its command: " in reason
    log = (tmp_path / "run" / "logs" / "relayer.log").read_text()
    assert f"looking at {tmp_path / 'run' / 'session.json'}" in log
    assert "200" in log


def test_one_that_ends_at_once(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """Its exit code and its last words, not a wait for the deadline: nothing can be concluded."""
    result = run(SWAP, tmp_path, backend, target, "sh -c 'echo no such option; exit 3'")
    (reason,) = result.verdict.reasons
    assert result.verdict.verdict is Verdict.UNKNOWN
    assert "exit code 3, before it asked a chain for anything: no such option; expected" in reason


@pytest.mark.parametrize(("hit", "verdict"), [("endpoint: 1, ", Verdict.NOT_EXERCISED), ("", Verdict.FAIL)])
def test_one_that_knows_one_endpoint(
    tmp_path: Path, backend: ProcessBackend, target: Deployable, hit: str, verdict: Verdict
) -> None:
    """It is excused where just that one was disturbed, and another would have answered; not for want of use."""
    (tmp_path / "asks.py").write_text(ENDS.replace("time.sleep(3)", "time.sleep(600)"))
    text = (
        SWAP.replace("optimism,", "optimism, endpoints: 2,")
        .replace("within: 90s", "within: 12s")
        .replace(
            "timeline:\n", f"timeline:\n  - {{at: 0s, fault: rpc_error, chain: one, code: -32005, {hit}for: 20s}}\n"
        )
    )
    result = run(text.replace("window: 60s", "window: 15s"), tmp_path, backend, target, f"{PYTHON} asks.py {{session}}")
    assert result.verdict.verdict is verdict, result.verdict.reasons


def test_one_that_ends_in_the_middle(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """The run fails by that, and what waits for the relayer is no finding of its own."""
    (tmp_path / "ends.py").write_text(ENDS)
    result = run(SWAP, tmp_path, backend, target, f"{PYTHON} ends.py {{session}}")
    assert result.verdict.verdict is Verdict.FAIL
    assert result.verdict.reasons[0].startswith("the relayer ended by itself with exit code 1: KeyError: 'nonce'; ")
    assert not [check.check for check in result.verdict.checks if check.verdict is Verdict.FAIL]


@pytest.mark.parametrize(("text", "words"), [(POINT, "after_scan"), (STORE, "the store of the reference relayer")])
def test_what_only_the_reference_can(
    tmp_path: Path, backend: ProcessBackend, target: Deployable, text: str, words: str
) -> None:
    """NOT EXERCISED with the reason, and the command is never started."""
    result = run(text, tmp_path, backend, target, "/nowhere/relayer")
    assert result.verdict.verdict is Verdict.NOT_EXERCISED
    assert any("not played" in reason and words in reason for reason in result.verdict.reasons)


def test_a_scenario_without_relayer(tmp_path: Path, backend: ProcessBackend, target: Deployable) -> None:
    """`relayer: none` means it: the command is not started."""
    result = run(NONE, tmp_path, backend, target, "/nowhere/relayer")
    assert not [note for note in result.history.of(Note) if note.kind == "relayer"]
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["relayer"]["kind"] == "none"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("r --private-key abc --port 1", "r --private-key *** --port 1"),
        ("env API_TOKEN='a b' r", "env API_TOKEN=*** r"),
        (f"r 0x{'ab' * 32}", "r ***"),
        ("r http://me:pw@host/path", "r http://***@host/***"),
        (f"{Path.home()}/r key_relayer.py --keys mine.json", "~/r key_relayer.py --keys ***"),
    ],
)
def test_secrets_are_not_told(given: str, told: str) -> None:
    """What evidence says of the command is fit to be shown; too much is hidden rather than too little."""
    assert parse_command(given, Path.cwd()).shown == told


@pytest.mark.parametrize(("text", "words"), [("a 'b", "No closing quotation"), ("  ", "got nothing")])
def test_what_is_no_command(text: str, words: str) -> None:
    """The message names the option and what it takes."""
    with pytest.raises(UsageError, match=rf"--relayer-cmd: expected .*{words}"):
        parse_command(text, Path.cwd())
