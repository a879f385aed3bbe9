"""Many settlements in one transaction, and what that saves. `batch_settlement.py [SESSION] [ROLE]`."""

import json
import os
import secrets
import sys
from pathlib import Path

from lab.sdk import Coordinator, Request

COUNT = 8
session = (sys.argv[1:] or [""])[0] or os.environ.get("LAB_SESSION", "results/up/session.json")
role = sys.argv[2] if len(sys.argv) > 2 else "operator"
first, second = list(json.loads(Path(session).read_text())["chains"])[:2]

house = Coordinator.from_session(session, first, role)
other = Coordinator.from_session(session, second, role)


def settlement(number: int) -> Request:
    """One settlement of the day, due in a few seconds."""
    payload = f"settlement {number}".encode()
    return Request("0x" + secrets.token_hex(32), house.rollup, other.rollup, house.soon(), payload)


alone = house.buffer(settlement(0))
requests = [settlement(number) for number in range(1, COUNT + 1)]
together = house.buffer_batch(requests)
print(json.dumps({"step": "buffered", "cheaper": together.gas_used < COUNT * alone.gas_used}), flush=True)

# All or none were buffered; from here on each goes its own way.
states = [house.wait_executed(request.tx_id) for request in requests]
print(json.dumps({"step": "end", "settled": states.count("EXECUTED")}), flush=True)
