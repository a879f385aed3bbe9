"""Texts with a secret in them: URLs of nodes, commands, and whatever quotes them, fit to be shown and written down.

`RedactedUrl` and `RedactedCommand` show themselves redacted wherever they are printed, formatted or serialised;
`reveal()` is the one way to the real text. A text of somebody else that may quote a secret, such as an error of a
library or a line of a program's output, goes through `redact_text`, or through `redact_in` of the secret it may quote.
Too much is hidden rather than too little: a path is shown only where its words are known to be no keys.
"""

from __future__ import annotations

import re
import shlex
from typing import Any, Self
from urllib.parse import unquote

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from lab.environment import without_home

HIDDEN = "***"
# A shorter value is not looked for in other texts: it would hide half of them.
QUOTED_CHARACTERS_MIN = 5

# What providers put in a path beside the key (Infura `/v3/KEY`, Avalanche `/ext/bc/C/rpc`); all else may be a key.
_PLAIN_SEGMENT = re.compile(
    r"v\d+|\d{1,6}|[a-z]{0,2}"
    r"|api|arb|arbitrum|archive|avalanche|base|blast|bnb|bsc|client|eth|ethereum|evm|execution|ext|full|gnosis|holesky"
    r"|hoodi|https?|json-?rpc|linea|main|mainnet|mantle|node|op|optimism|polygon|public|rpc|scroll|sepolia|test|testnet"
    r"|unichain|wss?|zksync|zora",
    re.IGNORECASE,
)
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")

_VALUE = r"(?:'[^']*'|\"[^\"]*\"|\\\"[^\"]*\\\"|[^\s'\",;|&)}\]]+)"
_NAME = (
    r"(?:[\w.-]{0,40}(?:key|secret|token|passw|passphrase|mnemonic|credential|bearer|seed-?_?phrase)[\w.-]{0,40}"
    r"|(?:[\w.]{0,40}[._-])?(?:pass|pwd|pw|auth|authorization|creds?|jwt|pat|dsn|cookie|login)(?:[._-][\w.-]{0,40})?)"
)
# Python's KeyError is about a word that is no key of anybody's.
_EXCEPTION = r"(?!(?:[\w.]*\.)?KeyError:)"
_NUMBER_NEXT = r"(?![0-9]{1,5}(?:\s|$))"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}://(?:(?!,[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s'\"<>`])*")
# A word as a shell would read it, with a quote that is never closed.
_WORD = re.compile(r"(?:[^\s'\"\\]|\\.?|'[^']*'?|\"(?:\\.|[^\"\\])*\"?)+", re.DOTALL)
_UNQUOTED = re.compile(r"'([^']*)'?|\"((?:\\.|[^\"\\])*)\"?|\\(.?)", re.DOTALL)
_OPTION = re.compile(rf"--?{_NAME}|-k", re.IGNORECASE)
_ASSIGNED = re.compile(rf"(--?{_NAME}=|{_NAME}=|-k=)(.+)", re.IGNORECASE | re.DOTALL)
_NEXT_OPTION = re.compile(r"--?[a-z][a-z-]*(?:=.*)?", re.DOTALL)
_SECRETS = (
    # --api-key S, --auth=S, -private-key S; API_KEY=S; X-Api-Key: S; "apiKey": "S"
    re.compile(
        rf"(?<![\w-])(--?{_NAME}(?:\s*=\s*|\s+))(?!-)(?:(?:Bearer|Basic|Token)\s+)?{_VALUE}(?:\\ \S+)*", re.IGNORECASE
    ),
    re.compile(
        rf"((?<![\w.-]){_EXCEPTION}[\"']?{_NAME}[\"']?\s*[=:]\s*)(?:(?:Bearer|Basic|Token)\s+)?{_VALUE}",
        re.IGNORECASE,
    ),
    re.compile(rf"((?<![\w-])(?:Bearer|Basic)\s+){_VALUE}", re.IGNORECASE),
    # A private key or another 32 bytes; a JSON web token; a key as providers make them.
    re.compile(r"()\b(?:0x)?[0-9a-fA-F]{64}\b"),
    re.compile(r"()\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"),
    re.compile(r"()\b(?:sk|pk|rk|gh[opsu]|xox[bp]|AKIA)[_-]?(?:live_|test_)?[A-Za-z0-9_-]{16,}\b"),
)
# Of commands only: in prose they would hide words and numbers that are no secrets.
_COMMAND_SECRETS = (
    re.compile(rf"((?<![\w-])-[kK]\s*=?\s*)(?!-){_VALUE}"),
    re.compile(rf"((?<![\w-])-[pPuats](?:\s+|=)){_NUMBER_NEXT}(?![-/.]){_VALUE}"),
    re.compile(r"((?<![\w-])-p)(?=[^\s=]*[0-9A-Z_])[^\s=]+"),
    re.compile(r"()\b[0-9a-fA-F]{32,}\b"),
    # A mnemonic without quotes.
    re.compile(r"()\b(?:[a-z]{3,8}\s+){11,23}[a-z]{3,8}\b"),
)


class Redacted:
    """A secret-bearing text that shows itself as `shown`. Equal to another of its class with the same text."""

    __slots__ = ("_secrets", "_shown", "_text")

    def __init__(self, text: str, shown: str, secrets: tuple[str, ...] = ()) -> None:
        self._text, self._shown = text, shown
        long = {secret for secret in secrets if len(secret) >= QUOTED_CHARACTERS_MIN and HIDDEN not in secret}
        self._secrets = tuple(sorted(long, key=len, reverse=True))

    def reveal(self) -> str:
        """The real text, for whoever must use it: to connect or to start a program, never to print or to store."""
        return self._text

    @property
    def is_secret(self) -> bool:
        """Whether there is anything to hide in it."""
        return self._shown != self._text

    def redact_in(self, text: str) -> str:
        """Somebody else's text without what this one hides."""
        text = text.replace(self._text, self._shown) if self._text else text
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return redact_text(text)

    def __str__(self) -> str:
        return self._shown

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown!r})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, Redacted) and other._text == self._text

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._text))

    def __reduce__(self) -> str:
        raise TypeError(f"a {type(self).__name__} is not pickled: hand its text on by reveal()")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A field takes the text or the value, and is serialised redacted, in Python and in JSON."""
        make: Any = cls
        return core_schema.union_schema(
            [
                core_schema.is_instance_schema(cls),
                core_schema.no_info_after_validator_function(make, core_schema.str_schema()),
            ],
            serialization=core_schema.plain_serializer_function_ser_schema(str, return_schema=core_schema.str_schema()),
        )


class RedactedUrl(Redacted):
    """A URL that hides its user info, the segments of its path that may be keys, its query's values, its fragment."""

    __slots__ = ()

    def __init__(self, url: str) -> None:
        super().__init__(url, redact_url(url), _secrets_of_url(url))


class RedactedCommand(Redacted):
    """A command line that hides the values of options and variables named like secrets, URLs' keys, and raw keys."""

    __slots__ = ()

    def __init__(self, command: str) -> None:
        super().__init__(command, redact_command(command), _secrets_of_command(command))


def redact_url(url: str) -> str:
    """`https://***@host:8545/v3/***?apikey=***`: never fails, and hides a part that it cannot tell for sure."""
    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*", scheme):
        return HIDDEN
    authority, path, query, fragment = _parts(rest)
    shown = f"{scheme}://{_redact_authority(authority, ambiguous='@' in path + query + fragment)}"
    shown += "/".join(segment if _is_plain(segment) else HIDDEN for segment in path.split("/"))
    if query:
        shown += "?" + "&".join(_redact_pair(pair) for pair in query[1:].split("&"))
    return shown + (f"#{HIDDEN}" if fragment else "")


def redact_text(text: str) -> str:
    """A message, a line of a log: without URLs' secrets, values named like secrets, raw keys, and the user's home."""
    text = _URL.sub(_redact_match, text)
    for pattern in _SECRETS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return without_home(text)


def redact_command(text: str) -> str:
    """A command line without its secrets: what `redact_text` hides, and what only commands have, as `-k S`."""
    text = redact_text(_redact_words(text))
    for pattern in _COMMAND_SECRETS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text


def _redact_words(text: str) -> str:
    shown, end, secret_next = "", 0, False
    for match in _WORD.finditer(text):
        word, spelling = _unquote(match[0]), match[0]
        if secret_next and not _NEXT_OPTION.fullmatch(word):
            spelling = HIDDEN
        elif assigned := _ASSIGNED.fullmatch(word):
            spelling = f"{assigned[1]}{HIDDEN}"
        elif any(character.isspace() for character in word) and (inner := redact_command(word)) != without_home(word):
            spelling = shlex.quote(inner)
        secret_next = not secret_next and _OPTION.fullmatch(word) is not None
        shown, end = shown + text[end : match.start()] + spelling, match.end()
    return shown + text[end:]


def _parts(rest: str) -> tuple[str, str, str, str]:
    # By hand: urlsplit raises for some texts, and drops control characters that must not hide a secret from us.
    rest, hash_mark, fragment = rest.partition("#")
    rest, question_mark, query = rest.partition("?")
    authority, slash, path = rest.partition("/")
    return authority, slash + path, question_mark + query, hash_mark + fragment


def _redact_authority(authority: str, *, ambiguous: bool) -> str:
    _, at, place = authority.rpartition("@")
    host, port = (place, "") if place.endswith("]") else (place.rpartition(":")[0::2] if ":" in place else (place, ""))
    # `http://user:pa/ss@host` and the like: what looks like a host may be part of the password.
    if ambiguous or not _HOST.fullmatch(host) or (port and not re.fullmatch(r"[0-9]{1,5}", port)):
        return HIDDEN
    return (f"{HIDDEN}@" if at else "") + (f"{host}:{port}" if port else host)


def _is_plain(segment: str) -> bool:
    return _PLAIN_SEGMENT.fullmatch(segment) is not None


def _redact_pair(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    # A name of a parameter is a short word; a lone value is a key.
    return f"{name}={HIDDEN}" if equals and re.fullmatch(r"[A-Za-z][A-Za-z_.-]{0,23}", name) else HIDDEN


def _redact_match(match: re.Match[str]) -> str:
    url = match[0]
    bare = url.rstrip(".,;:!)}>" + ("" if "[" in url else "]"))
    return redact_url(bare) + url[len(bare) :]


def _secrets_of_url(url: str) -> tuple[str, ...]:
    authority, path, query, fragment = _parts(url.partition("://")[2] or url)
    user_info = authority.rpartition("@")[0]
    parts = [user_info, *user_info.split(":", 1), fragment[1:]]
    parts += [segment for segment in path.split("/") if not _is_plain(segment)]
    parts += [pair.partition("=")[2] or pair for pair in [*query[1:].split("&"), *fragment[1:].split("&")]]
    # Of a header as `Bearer KEY` the key alone, too.
    spellings = {spelling for part in parts if part for spelling in (part, unquote(part))}
    return tuple(spellings | {spelling.rpartition(" ")[2] for spelling in spellings})


def _secrets_of_command(text: str) -> tuple[str, ...]:
    """Whatever its words have that its redacted form has not: those words, and the values in them."""
    values = [part for url in _URL.findall(text) for part in _secrets_of_url(url)]
    shown = set(_words(redact_command(text)))
    for word in _words(text):
        if word not in shown:
            values += [word, word.rpartition("=")[2]]
    for pattern in (*_SECRETS, *_COMMAND_SECRETS):
        values += [match[0][len(match[1]) :].strip("'\"") for match in pattern.finditer(text)]
    return tuple(values)


def _words(text: str) -> list[str]:
    return [_unquote(match[0]) for match in _WORD.finditer(text)]


def _unquote(word: str) -> str:
    return _UNQUOTED.sub(lambda part: (part[1] or "") + (part[2] or "") + (part[3] or ""), word)
