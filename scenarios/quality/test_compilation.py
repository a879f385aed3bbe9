"""The contract compiles without a warning; how large it is, in bytes, beside what the checklist says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.coordinator import created_address, role_account
from lab.deploy.placement import moved_code
from lab.deploy.vyper.compiler_warnings import compiler_warnings
from lab.deploy.vyper.source import read_source
from lab.runner.script import Script

SETUP = """
name: Compilation and size
description: >
  The source is compiled by the compiler that its pragma names, and that says nothing but its output. What the chain
  holds is what that compilation deploys. Sizes are in bytes, two hexadecimal characters each: the checklist's 7,276
  counts characters, which are 3,638 bytes. Both codes are within what a chain accepts.
rows: [CQ-01, CQ-03]
networks: {ethereum: {}}
relayer: none
timeout: 10m
checks: [default]
"""

# The checklist's figure, and what it really counts.
CLAIMED, CLAIMED_UNIT = 7_276, "hexadecimal characters"
# EIP-170 and EIP-3860.
RUNTIME_MAX, INITCODE_MAX = 24_576, 49_152


def judge_sizes(script: Script) -> None:
    """Initcode as compiled, runtime code as deployed."""
    target = script.run.lab.spec.target
    rpc = script.reader("ethereum").rpc
    deployed = rpc.call("eth_getCode", target.address, "latest").removeprefix("0x")
    sender = role_account("owner").address
    made = rpc.call("eth_call", {"from": sender, "data": target.contract.bytecode}, "latest").removeprefix("0x")
    simulated = created_address(sender, rpc.nonce(sender))
    same = deployed == moved_code(made, simulated, target.address) != ""
    script.expect("the chain to hold what the initcode deploys", f"{len(deployed) // 2} bytes", met=same)
    initcode, runtime = len(target.contract.bytecode.removeprefix("0x")) // 2, len(deployed) // 2
    script.expect(f"initcode of at most {INITCODE_MAX} bytes", f"{initcode} bytes", met=0 < initcode <= INITCODE_MAX)
    script.expect(f"runtime code of at most {RUNTIME_MAX} bytes", f"{runtime} bytes", met=0 < runtime <= RUNTIME_MAX)
    claim = f"the checklist's {CLAIMED} are {CLAIMED_UNIT}, so {CLAIMED // 2} bytes"
    script.note("size", f"initcode {initcode} bytes, runtime code {runtime} bytes; {claim}", "ethereum")
    counted = target.contract.runtime_size_bytes
    if counted is not None:
        # Immutables are added at deployment.
        script.expect("the compiler's count not to exceed the chain's", f"{counted} bytes", met=counted <= runtime)


def judge_warnings(script: Script) -> None:
    """A compilation of its own: a cached result remembers no warnings."""
    if not script.needs_source(rows=["CQ-03"]):
        return
    source = read_source(script.run.lab.spec.target.contract.source_path)
    found = compiler_warnings(source)
    told = f"{len(found)} warnings" + "".join(f"; {warning[:160]}" for warning in found[:3])
    files = f"{len(source.files)} source files"
    script.expect(f"vyper {source.compiler_version} to accept {files} without a warning", told, met=not found)


def play(script: Script) -> None:
    """Sizes, then warnings."""
    judge_sizes(script)
    judge_warnings(script)


def test_compilation(lab_run: Callable[[str, Callable[[Script], None]], Any]) -> None:
    """Compile it and measure it."""
    lab_run(SETUP, play)
