"""A keeper: makes ready, executes or ends what is due on one rollup. `keeper.py [SESSION] [ROLE] [ROUNDS]`.

It is for transactions without a parent on another rollup; those need a relayer, which carries the parent over.
"""

import json
import os
import sys
import time
from pathlib import Path

from lab.sdk import Coordinator, Reverted

session = (sys.argv[1:] or [""])[0] or os.environ.get("LAB_SESSION", "results/up/session.json")
role = sys.argv[2] if len(sys.argv) > 2 else "operator2"
rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9
chain = next(iter(json.loads(Path(session).read_text())["chains"]))
coordinator = Coordinator.from_session(session, chain, role)

for _ in range(rounds):
    try:
        now, states = coordinator.now(), {tx_id: coordinator.state(tx_id) for tx_id in coordinator.ids()}
        due = [tx_id for tx_id, state in states.items() if state == "BUFFERED" and coordinator.timestamp(tx_id) <= now]
        for result in coordinator.resolve_batch(due[:64]) if due else []:
            print(json.dumps({"resolved": result.tx_id, "ready": result.ready, "reason": result.reason}), flush=True)
        ready = [tx_id for tx_id, state in states.items() if state == "READY"]
        if ready:
            coordinator.execute_batch(ready[:64])
            print(json.dumps({"executed": ready[:64]}), flush=True)
    except Reverted as reverted:
        # Somebody else was faster: what is there now is read again in the next round.
        print(json.dumps({"reverted": reverted.reason}), flush=True)
    time.sleep(0.5)
