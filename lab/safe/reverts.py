"""What a Safe's error codes mean, and what to do about those that owners and executors meet."""

from __future__ import annotations

import re

_CODE = re.compile(r"GS\d{3}")
SIGN_AGAIN = "read `lab safe status` and let the owners sign a proposal with the Safe's present nonce"
REASONS = {
    "GS000": "the Safe could not finish its set-up",
    "GS001": "the Safe was never set up: it has no threshold",
    "GS010": "the gas does not suffice for the safeTxGas of the transaction: send it with more gas",
    "GS011": "the Safe cannot pay the refund of gas in ether: fund it, or propose without gasPrice",
    "GS012": "the Safe cannot pay the refund of gas in tokens: fund it, or propose without gasToken",
    "GS013": "what the Safe was to call reverts: simulate that call from the Safe's address",
    "GS020": "fewer signatures than the threshold: collect the missing ones",
    "GS021": "a contract's signature points into the other signatures",
    "GS022": "a contract's signature has no length",
    "GS023": "a contract's signature is cut off",
    "GS024": "a contract that is owner did not accept its signature",
    "GS025": "an owner is said to have approved the hash on the chain and has not: let it call approveHash, or sign",
    "GS026": f"a signature is not by an owner, out of order, or made for another nonce, chain or call: {SIGN_AGAIN}",
    "GS030": "only an owner can approve a hash",
    "GS031": "only the Safe itself may call this: propose it as a transaction of the Safe",
    "GS100": "the modules of the Safe are set up already",
    "GS101": "no such module is possible: expected an address that is not 0 or 1",
    "GS102": "the module is enabled already",
    "GS103": "the module is not where the call says that it is: read the list of modules again",
    "GS104": "only an enabled module may call this",
    "GS200": "the owners of the Safe are set up already",
    "GS201": "the threshold would be above the number of owners",
    "GS202": "the threshold would be 0",
    "GS203": "no such owner is possible: not 0, 1 or the Safe itself",
    "GS204": "that account is an owner already",
    "GS205": "that account is not an owner, or does not follow the one that the call says: read the owners again",
    "GS300": "the guard is not a contract that can be one",
    "GS301": "the guard of the modules is not a contract that can be one",
    "GS400": "the Safe cannot be its own fallback handler",
}


def explain(reason: str) -> str:
    """A reason with the meaning of the code in it, if it has one."""
    code = _CODE.search(reason)
    meaning = REASONS.get(code.group()) if code else None
    return f"{reason}: {meaning}" if meaning else reason
