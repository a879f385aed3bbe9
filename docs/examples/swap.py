"""A swap: a settlement on one rollup that happens only after the payment on another. `swap.py [SESSION] [ROLE]`."""

import json
import math
import os
import secrets
import sys
from pathlib import Path

from lab.sdk import Coordinator, Request

session = (sys.argv[1:] or [""])[0] or os.environ.get("LAB_SESSION", "results/up/session.json")
role = sys.argv[2] if len(sys.argv) > 2 else "operator"
first, second = list(json.loads(Path(session).read_text())["chains"])[:2]

payer = Coordinator.from_session(session, first, role)
settler = Coordinator.from_session(session, second, role)
pay, settle = ("0x" + secrets.token_hex(32) for _ in range(2))


def say(step: str) -> None:
    """One line of JSON: what was done, and the state of both transactions."""
    print(json.dumps({"step": step, "pay": payer.state(pay), "settle": settler.state(settle)}), flush=True)


# The settlement waits until the payment is final: its window must not be over by then.
due = max(payer.soon(), settler.soon())
later = due + math.ceil(payer.final_after_s)
say("begin")
paid = payer.buffer(Request(pay, payer.rollup, settler.rollup, due, b"100 USDC"))
settler.buffer(Request(settle, settler.rollup, payer.rollup, later, b"0.03 ETH", pay))
payer.wait_final(paid)

# The relayer carries the payment over once it is final, and makes both ready. That order is the whole point.
payer.wait_executed(pay)
settler.wait_executed(settle)
say("end")
