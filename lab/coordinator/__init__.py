"""The contract under test as seen from outside: its interface, its calls, its states, its accounts."""

from lab.coordinator.accounts import ROLES, Account, created_address, role_account, rollup_address
from lab.coordinator.codec import Codec, DecodedCall, DecodedLog
from lab.coordinator.reads import Reader
from lab.coordinator.signing import Fees, sign_transaction
from lab.coordinator.states import StateNumbering

__all__ = [
    "ROLES",
    "Account",
    "Codec",
    "DecodedCall",
    "DecodedLog",
    "Fees",
    "Reader",
    "StateNumbering",
    "created_address",
    "role_account",
    "rollup_address",
    "sign_transaction",
]
