"""A deployment file together with what it is about: the compiled contract, the deployer, the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.coordinator import Codec
from lab.deploy.compiled import CompiledContract
from lab.live.declaration.deployment_file import Deployment, Target
from lab.live.declaration.variables import Connection
from lab.live.journaling.journal import Journal

Connect = Callable[[Target], Connection]
Notify = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Undertaking:
    """What plan, deploy, verify, smoke and status share. `deployer` is an address in lower case."""

    deployment: Deployment
    contract: CompiledContract
    codec: Codec
    deployer: str
    journal: Journal
    connect: Connect
    notify: Notify
