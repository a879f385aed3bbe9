"""A contract behind a proxy that lab.yaml names: minimal (EIP-1167), transparent and UUPS (both EIP-1967).

The EIP-1967 proxies are OpenZeppelin's own builds, release 5.0.2; the implementation is that of `proxy`.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.chains.nodes.process import ProcessBackend
from lab.deploy.proxied import IMPLEMENTATION_SLOT
from lab.deploy.vyper.installed_compiler import compile_installed
from lab.errors import InvalidFile
from lab.explore.mutate.library import load_library
from lab.live.declaration.deployment_file import read_deployment
from lab.live.journaling.open import contract_of
from lab.model.verdict import RunVerdict, Verdict
from lab.paths import SCENARIOS
from lab.session.suite import compile_target
from lab.session.under_test import system_under_test
from tests.unit.pytest_project import forked_pytest

from .test_correct import HERE, played, scenario_name

SET_UP: dict[str, Any] = {"call": "initialize", "args": ["owner", 30]}
KINDS: dict[str, dict[str, Any]] = {
    "minimal": {"proxy": {}, "set_up": [SET_UP | {"first": True}]},
    "transparent": {
        "proxy": {
            "contract": "TransparentUpgradeableProxy.json",
            "constructor": ["implementation", "0x00000000000000000000000000000000000000ad", SET_UP],
        }
    },
    "uups": {"proxy": {"contract": "ERC1967Proxy.json", "constructor": ["implementation", SET_UP]}},
    "slotted": {"proxy": {"contract": "Slotted.vy", "constructor": ["implementation", SET_UP]}},
}
WORDS = {"Transaction expired": "1", "Dependencies not satisfied": "2"}
GUARD = '    assert msg.sender == self.owner, "Only owner can upgrade"\n'
UPGRADE = f"""

SLOT: constant(bytes32) = {IMPLEMENTATION_SLOT}
implementation: address


@external
@view
def proxiableUUID() -> bytes32:
    return SLOT


@external
@payable
def upgradeToAndCall(implementation: address, data: Bytes[1024]):
{GUARD}    id: Bytes[32] = raw_call(implementation, method_id("proxiableUUID()"), max_outsize=32, is_static_call=True)
    assert convert(id, bytes32) == SLOT, "Not upgradable"
    self.implementation = implementation
    if len(data) > 0:
        raw_call(implementation, data, is_delegate_call=True)
"""


def project(folder: Path, kind: str, here: str = "", instead: str = "") -> Path:
    """A project whose contract stands behind a proxy of this kind; one piece of its source changed, if any."""
    folder.mkdir()
    for path in (HERE / "proxied").iterdir():
        shutil.copy(path, folder)
    source = (HERE / "proxy" / "Engine.vy").read_text() + (UPGRADE if kind == "uups" else "")
    assert here in source
    source = source.replace(here, instead, 1) if here else source
    contract = "Engine.vy"
    (folder / contract).write_text(source)
    if kind == "uups":
        contract = "Engine.json"
        (folder / contract).write_text(json.dumps(slot_of_its_own(folder / "Engine.vy")))
    told = {"events": {"TransactionFailed": {"arguments": {"reason": "code"}}}, "reverts": WORDS}
    (folder / "lab.yaml").write_text(yaml.safe_dump({"contract": contract, **KINDS[kind], **told}))
    return folder


def slot_of_its_own(source: Path) -> dict[str, Any]:
    """Compiled with the implementation's address where EIP-1967 wants it."""
    from vyper.compiler.input_bundle import FilesystemInputBundle  # type: ignore[import-untyped]

    layout = compile_installed(source, [source.parent], ["layout"])["layout"]["storage_layout"]
    layout["implementation"]["slot"] = int(IMPLEMENTATION_SLOT, 16)
    file = source.with_suffix(".layout.json")
    file.write_text(json.dumps(layout))
    given = FilesystemInputBundle([file.parent]).load_json_file(file)
    output = compile_installed(source, [source.parent], ["abi", "bytecode"], storage_layout_override=given)
    return {"abi": output["abi"], "bytecode": output["bytecode"]}


def verdict_of(backend: ProcessBackend, folder: Path, scenario: str) -> RunVerdict:
    """Of a scenario's run with a project's contract."""
    target = compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=folder))
    (entry,) = load_library(SCENARIOS, lambda path: scenario_name(path) == scenario).items.values()
    return played(target, entry, backend, folder / "run").verdict


def reasons(backend: ProcessBackend, folder: Path, scenario: str, verdict: Verdict) -> tuple[str, ...]:
    """Those of the verdict, which has to be this one."""
    got = verdict_of(backend, folder, scenario)
    assert got.verdict is verdict, got.reasons
    return got.reasons


@pytest.mark.parametrize("scenario", ["security/test_external_calls", "security/test_role_matrix"])
@pytest.mark.parametrize("kind", ["minimal", "transparent", "uups"])
def test_a_proxy_is_no_fault(shared_backend: ProcessBackend, tmp_path: Path, kind: str, scenario: str) -> None:
    """What hands on by a proxy's nature is justified, an upgrade by the owner among it."""
    reasons(shared_backend, project(tmp_path / kind, kind), scenario, Verdict.PASS)


def test_an_initializer_is_there_for_whoever_sets_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lab.yaml names is no open finding; another function that anybody may write by is."""
    guard = '    assert msg.sender == self.owner, "Only owner can set window"\n'
    for name, here, code, words in (("good", "", 0, ""), ("open", guard, 1, "set_coordination_window writes")):
        folder = project(tmp_path / name, "minimal", here)
        monkeypatch.chdir(folder)
        scenario = str(SCENARIOS / "quality/test_static_analysis.py")
        where = ("--lab-backend", "process", "--lab-results", str(folder / "results"))
        got, out, _ = forked_pytest(folder, scenario, "-q", "-p", "no:cacheprovider", *where)
        assert got == code, out
        assert words in out
        assert "initialize writes" not in out


def test_what_lab_live_does_not_deploy_is_not_rehearsed(shared_backend: ProcessBackend, tmp_path: Path) -> None:
    """No fault of the contract, and no proof either."""
    verdict = verdict_of(shared_backend, project(tmp_path / "minimal", "minimal"), "drills/test_live_rehearsal")
    assert verdict.verdict is Verdict.PASS
    assert verdict.lacks == ("a form without its proxy (`lab live` deploys and verifies none)",)
    left_out = {judged.row for judged in verdict.rows if judged.verdict is Verdict.NOT_EXERCISED}
    assert left_out == {"PSC-03", "RFI-01"}


@pytest.mark.parametrize(
    ("kind", "here", "scenario", "words"),
    [
        (
            "minimal",
            "    self.version = max_value(uint64)\n",
            "security/test_role_matrix",
            "initialize of the implementation itself, by attacker, to be refused; got it succeeded",
        ),
        (
            "transparent",
            '    assert self.version == 0, "Initialized before"\n',
            "security/test_role_matrix",
            "initialize by attacker to be refused, once the contract is set up; got it succeeded",
        ),
        ("uups", GUARD, "security/test_external_calls", "upgradeToAndCall by attacker to leave the implementation"),
        ("slotted", "", "security/test_external_calls", "the implementation to use no slot of the proxy's own; got 0x"),
    ],
)
def test_a_bug_of_a_proxy_is_found(
    shared_backend: ProcessBackend, tmp_path: Path, kind: str, here: str, scenario: str, words: str
) -> None:
    """An implementation that anybody sets up or upgrades, and a slot that both use."""
    folder = project(tmp_path / kind, kind, here, "    pass\n" if here.startswith("    self") else "")
    told = reasons(shared_backend, folder, scenario, Verdict.FAIL)
    assert any(words in reason for reason in told), told


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("{contract: ERC1967Proxy.json}", "2:8 proxy: the proxy's constructor takes (address, bytes), got 1 arguments"),
        (
            "{contract: ERC1967Proxy.json, constructor: [implementation, {call: initialise}]}",
            "2:68 proxy.constructor[1]: the implementation has no function initialise (did you mean initialize?)",
        ),
        (
            "{contract: ERC1967Proxy.json, constructor: [implementation, {call: initialize, args: [owner]}]}",
            "initialize takes (address, uint256), got 1 arguments",
        ),
        ("{constructor: [implementation, 1]}", "a minimal proxy takes the implementation alone"),
    ],
)
def test_what_does_not_fit_is_named_at_its_place(tmp_path: Path, proxy: str, words: str) -> None:
    """Before anything runs."""
    folder = project(tmp_path / "bad", "minimal")
    (folder / "lab.yaml").write_text(f"contract: Engine.vy\nproxy: {proxy}\n")
    with pytest.raises(InvalidFile, match=r"lab\.yaml") as refused:
        compile_target(system_under_test(contract=None, relayer_cmd=None, working_folder=folder))
    assert words in str(refused.value)


def test_no_network_is_sent_one(tmp_path: Path) -> None:
    """`lab live` says that it deploys no proxies, before it asks anybody anything."""
    folder = project(tmp_path / "live", "transparent")
    declared = folder / "deployment.yaml"
    one, two = "0x" + "11" * 20, "0x" + "22" * 20
    declared.write_text(
        f'version: 1\ndeployer: {{keystore: key, password_file: word}}\nowner: "{one}"\noperators: ["{two}"]\n'
        "networks: {base-sepolia: {rpc: [env:RPC], max_fee_gwei: 50}}\n"
    )
    with pytest.raises(InvalidFile, match="deploys and verifies no proxies"):
        contract_of(read_deployment(declared))
