"""The shape of a message: without the names and numbers of the run that it comes from, so that others compare."""

from __future__ import annotations

import re

from lab.model.history import History

_HEX = re.compile(r"0x[0-9a-fA-F]{6,}(…[0-9a-fA-F]+)?")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(\.\d+)?(?![\w])")
_UNITS = re.compile(r"(?<![\w.])-?\d[\d,]*(\.\d+)?(?=(ms|s|%)\b)")
_MORE = re.compile(r" \(and N more\)")


class Shaper:
    """Knows the names of one run: legs, chains and roles."""

    def __init__(self, history: History | None) -> None:
        names: dict[str, str] = {}
        if history is not None:
            header = history.header
            names |= {leg.name: "LEG" for leg in header.legs}
            names |= {chain: "CHAIN" for chain in header.chains}
            names |= {role: "ROLE" for role in header.roles}
        words = sorted(names, key=len, reverse=True)
        pattern = "|".join(map(re.escape, words))
        flows = "|".join(sorted({re.escape(leg.flow) for leg in history.header.legs})) if history is not None else ""
        # A flow may be called by any word, such as "in".
        self._flows = re.compile(rf"\bflow ({flows})\b") if flows else None
        self._names = names
        self._words = re.compile(rf"(?<![\w.])({pattern})(?![\w])(?!\.\w)") if words else None

    def shape(self, text: str) -> str:
        """Names become LEG, CHAIN, ROLE, numbers N; signs, words and quoted reasons stay."""
        text = _HEX.sub("HEX", text)
        if self._flows is not None:
            text = self._flows.sub("flow FLOW", text)
        if self._words is not None:
            text = self._words.sub(lambda match: self._names[match[1]], text)
        text = _NUMBER.sub("N", _UNITS.sub("N", text))
        return _MORE.sub("", text).replace("the mirror of LEG", "LEG").replace("transaction HEX", "LEG")
