"""A signer that several threads share: a device or a person signs one thing at a time."""

from __future__ import annotations

import threading

from lab.live.signers.transaction import Signed, Signer, Unsigned


class SerialSigner:
    """Takes turns."""

    def __init__(self, signer: Signer) -> None:
        self._signer, self._lock = signer, threading.Lock()
        self.address, self.described = signer.address, signer.described

    def sign(self, transaction: Unsigned) -> Signed:
        """See `Signer`."""
        with self._lock:
            return self._signer.sign(transaction)
