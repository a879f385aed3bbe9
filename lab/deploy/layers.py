"""Which of the lab's words bind a contract: those of the documentation bind every one, the reference's own only itself.

Expectations have three layers: what is documented, what the checklist demands (the capabilities), and what only the
reference does, such as how it words the refusal of a stopped contract. Nothing of the third is held against others.
"""

from __future__ import annotations

from lab.coordinator.documented import CAPABILITY_REVERTS, FAILURE_REASONS, REVERTS
from lab.deploy.deployer import Deployable
from lab.deploy.interface import holds

# How the reference words what the documentation has no words for.
OWN_TEXTS = (
    *CAPABILITY_REVERTS,
    "Execution failed",
    "Execution window too long",
    "Breaker threshold too large",
    "Timestamp too far",
    "Paused by owner",
    "Failure threshold reached",
)
BY_ROLE = ("add_operator", "remove_operator")


def binds(target: Deployable, text: str, function: str | None = None) -> bool:
    """Whether a contract has to use this text, or a part of one, where a scenario expects it.

    A text that the lab does not know is the scenario's own and binds. One of the reference's binds another contract
    if its code holds it. A contract that grants roles by hash refuses with the words of its own access control.
    """
    if target.reference:
        return True
    if function in BY_ROLE and target.codec.by_hash(function):
        return False
    if any(text in known for known in (*REVERTS, *FAILURE_REASONS)):
        return True
    own = [known for known in OWN_TEXTS if text in known]
    return not own or any(holds(target.contract, known) for known in own)
