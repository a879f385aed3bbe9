"""The SDK: a thin client of the coordinator for programs of your own.

    coordinator = Coordinator.from_session("results/up/session.json", "ethereum")

It leaves the way from chain to chain to the relayer.
"""

from lab.coordinator import DecodedLog
from lab.errors import DeadlineExceeded, LabError, UsageError
from lab.model.chain.finality import Finality
from lab.sdk.coordinator import Coordinator, reference_abi
from lab.sdk.records import ZERO_ID, Mined, Network, NeverReady, Request, Resolution, Reverted

__all__ = [
    "ZERO_ID",
    "Coordinator",
    "DeadlineExceeded",
    "DecodedLog",
    "Finality",
    "LabError",
    "Mined",
    "Network",
    "NeverReady",
    "Request",
    "Resolution",
    "Reverted",
    "UsageError",
    "reference_abi",
]
