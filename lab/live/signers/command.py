"""A signer that is a command: hardware wallets and key services by whatever program speaks to them.

The command gets the transaction as one JSON object on its standard input, with the names and hex of
`eth_sendTransaction`, and in variables for tools that take options: LAB_TX_CHAIN_ID, LAB_TX_NONCE, LAB_TX_TO,
LAB_TX_DATA, LAB_TX_GAS, LAB_TX_MAX_FEE_PER_GAS, LAB_TX_MAX_PRIORITY_FEE_PER_GAS, LAB_TX_VALUE (decimal; TO is empty for
a creation). Data longer than a variable may be are on standard input alone. The last line that it prints is the raw
transaction. LAB_SIGN says what is to be signed: `transaction`, or `typed_data` for the JSON document of an EIP-712
signature, with its hash in LAB_HASH; the last word is the signature.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.live.declaration.deployment_file import CommandSigner
from lab.live.signers.transaction import Signed, SignerFailure, Unsigned, checked
from lab.live.signers.typed_data import TypedData, checked_signature
from lab.model.redacted import RedactedCommand, redact_text

OUTPUT_MAX = 4 << 20
# Of one variable on Linux, its name and the zero at its end included: MAX_ARG_STRLEN (execve(2)).
VARIABLE_BYTES_MAX = 131_072

VARIABLES = frozenset(
    (
        "LAB_SIGN",
        "LAB_HASH",
        "LAB_TX_FROM",
        "LAB_TX_CHAIN_ID",
        "LAB_TX_NONCE",
        "LAB_TX_TO",
        "LAB_TX_DATA",
        "LAB_TX_GAS",
        "LAB_TX_MAX_FEE_PER_GAS",
        "LAB_TX_MAX_PRIORITY_FEE_PER_GAS",
        "LAB_TX_VALUE",
    )
)


class CommandAccount:
    """Runs the command for each transaction, in the deployment file's folder, through no shell."""

    def __init__(self, given: CommandSigner, folder: Path) -> None:
        self._words, self._folder, self._timeout_s = shlex.split(given.exec), folder, given.timeout_s
        self.address, self.described = given.address, f"signer {RedactedCommand(given.exec)}"

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        fields = {"from": self.address, "type": "0x2", **transaction.fields()}
        raw = self._run(json.dumps(fields), _variables(transaction, self.address))
        return checked(raw, transaction, self.address, self.described)

    def sign_typed_data(self, typed: TypedData) -> str:
        """See `TypedDataSigner`."""
        variables = {"LAB_SIGN": "typed_data", "LAB_TX_FROM": self.address, "LAB_HASH": typed.hash}
        answer = self._run(json.dumps(typed.document), variables)
        return checked_signature(answer, typed, self.address, self.described)

    def _run(self, text: str, variables: Mapping[str, str]) -> str | None:
        """The last word that the command prints; None where it prints none. Raises SignerFailure."""
        try:
            done = subprocess.run(
                self._words,
                input=text,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                cwd=self._folder,
                env=_environment(variables),
                timeout=self._timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SignerFailure(f"{self.described}: it did not sign within {self._timeout_s:g} s") from None
        except OSError as error:
            raise SignerFailure(f"{self.described}: it cannot be run: {error.strerror or error}") from error
        if done.returncode != 0:
            said = redact_text(done.stderr.strip())[-500:] or "it said nothing"
            raise SignerFailure(f"{self.described}: it ended with exit code {done.returncode}: {said}")
        lines = done.stdout[:OUTPUT_MAX].split()
        return lines[-1] if lines else None


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The lab's own, and what is said of this signature: nothing is left of another one's."""
    kept = {name: text for name, text in os.environ.items() if name not in VARIABLES}
    return kept | {name: text for name, text in variables.items() if len(name) + len(text) + 2 <= VARIABLE_BYTES_MAX}


def _variables(transaction: Unsigned, sender: str) -> dict[str, str]:
    return {
        "LAB_SIGN": "transaction",
        "LAB_TX_FROM": sender,
        "LAB_TX_CHAIN_ID": str(transaction.chain_id),
        "LAB_TX_NONCE": str(transaction.nonce),
        "LAB_TX_TO": transaction.to or "",
        "LAB_TX_DATA": transaction.data,
        "LAB_TX_GAS": str(transaction.gas),
        "LAB_TX_MAX_FEE_PER_GAS": str(transaction.fees.max_fee_per_gas),
        "LAB_TX_MAX_PRIORITY_FEE_PER_GAS": str(transaction.fees.max_priority_fee_per_gas),
        "LAB_TX_VALUE": str(transaction.value),
    }
