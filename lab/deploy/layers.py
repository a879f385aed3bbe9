"""Which of the lab's words bind a contract: those of the documentation bind every one, the reference's own only itself.

Expectations have three layers: what is documented, what the checklist demands (the capabilities), and what only the
reference does, such as how it words the refusal of a stopped contract. Nothing of the third is held against others.
"""

from __future__ import annotations

from lab.coordinator.documented import CAPABILITY_REVERTS, EVENTS, FAILURE_REASONS, FUNCTIONS, REVERTS
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
BY_ROLE = {"Only owner can add operators": "add_operator", "Only owner can remove operators": "remove_operator"}


def binds(target: Deployable, text: str, function: str | None = None) -> bool:
    """Whether a contract has to use this text, or a part of one, where a scenario expects it.

    A text that the lab does not know is the scenario's own and binds. One of the reference's binds another contract
    if its code holds it, in documented functions, or where `lab.yaml` maps it. A contract that grants roles by hash
    refuses in the words of its own access control.
    """
    if target.reference or any(text in mapped for mapped in target.codec.names.reverts):
        return True
    of_role = function or BY_ROLE.get(text)
    if of_role in BY_ROLE.values() and "operator" in target.codec.names.roles:
        return False
    if function in FUNCTIONS and FUNCTIONS[function].part != "documented":
        return False
    if any(text in known for known in (*REVERTS, *FAILURE_REASONS)):
        return True
    own = [known for known in OWN_TEXTS if text in known]
    return not own or any(holds(target.contract, known) for known in own)


def demanded(target: Deployable, event: str) -> bool:
    """Whether a contract has to emit an event that a scenario expects: a capability may do without its events."""
    signature = EVENTS.get(event)
    return target.reference or event in target.codec.events or signature is None or signature.part == "documented"
