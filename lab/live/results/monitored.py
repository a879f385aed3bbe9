"""What the monitor's own scan sees of a deployment: the events that it would count."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from lab.live.declaration.deployment_file import Target
from lab.live.journaling.undertaking import Undertaking
from lab.live.results.session import describe
from lab.monitor.collect.chain_collector import ChainCollector

POLLS_MAX = 20


def events_seen(work: Undertaking, target: Target) -> dict[str, int]:
    """Event -> how often it was seen from the deployment's block to the head; empty if the scan did not get there.

    Raises DeployFailure without a finished deployment, RpcFailure.
    """
    variables = dict.fromkeys(target.variables, "http://127.0.0.1:1")
    session = describe(work, [target], Path("keys.json"), Path(), variables)
    collector = ChainCollector(session, session.chains[target.name], work.connect(target).transport, time.time)
    head = work.connect(target).rpc.block_number()
    for _ in range(POLLS_MAX):
        collector.poll()
        tip = collector.memory.tip
        if collector.error is None and tip is not None and tip[0] >= head:
            unfinal = (event.event for block in collector.memory.unfinal for event in block.events)
            return dict(sorted((Counter(unfinal) + Counter(collector.memory.events)).items()))
    return {}
