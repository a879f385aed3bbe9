"""An escrow: a release that waits for a delivery, and ends by itself when none comes. `escrow.py [SESSION] [ROLE]`."""

import json
import os
import secrets
import sys
from pathlib import Path

from lab.sdk import Coordinator, NeverReady, Request

session = (sys.argv[1:] or [""])[0] or os.environ.get("LAB_SESSION", "results/up/session.json")
role = sys.argv[2] if len(sys.argv) > 2 else "operator"
first, second = list(json.loads(Path(session).read_text())["chains"])[:2]

buyer = Coordinator.from_session(session, first, role)
seller = Coordinator.from_session(session, second, role)
release, delivery = ("0x" + secrets.token_hex(32) for _ in range(2))

# Nobody ever buffers this delivery.
due = buyer.soon()
buyer.buffer(Request(release, buyer.rollup, seller.rollup, due, payload=b"escrow 42", parent=delivery))

# Too early: the transaction of this call has status 1 all the same. Only the event says that nothing happened.
early = buyer.resolve(release)
print(json.dumps({"step": "early", "ready": early.ready, "reason": early.reason}), flush=True)

try:
    buyer.wait_ready(release)
    outcome = "released"
except NeverReady as never:
    outcome = f"refunded: {never.reason}"
print(json.dumps({"step": "end", "release": buyer.state(release), "outcome": outcome}), flush=True)
