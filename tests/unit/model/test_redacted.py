"""What shows of a URL or a command that has a secret in it."""

from __future__ import annotations

import copy
import json
import pickle

import pytest
from pydantic import BaseModel, TypeAdapter

from lab.model.redacted import RedactedCommand, RedactedUrl, redact_command, redact_text, redact_url

CANARY = "Canary7Zq"


class Record(BaseModel):
    """A record with both kinds."""

    url: RedactedUrl
    command: RedactedCommand


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://[::1]:8545/", "http://[::1]:8545/"),
        ("https://api.example.org/ext/bc/C/rpc", "https://api.example.org/ext/bc/C/rpc"),
        (f"https://{CANARY}.example/v3/x1", f"https://{CANARY}.example/v3/***"),
        (f"https://user:{CANARY}@host:1/v2/{CANARY}?apikey={CANARY}&n=1#{CANARY}",
         "https://***@host:1/v2/***?apikey=***&n=***#***"),
        (f"http://host?{CANARY}", "http://host?***"),
    ],
)  # fmt: skip
def test_urls(url: str, shown: str) -> None:
    """The host and the words that are no keys stay; the rest is hidden."""
    assert redact_url(url) == str(RedactedUrl(url)) == shown
    assert redact_text(f"no connection to {url}: refused") == f"no connection to {shown}: refused"


@pytest.mark.parametrize(
    "url",
    [
        f"http://u:{CANARY}/x@host", f"http://u:1/{CANARY}@h", f"http://u:p?{CANARY}@h", f"http://u:p#{CANARY}@h",
        f"http://h:{CANARY}", f"http://[{CANARY}", f"{CANARY}", f"h/{CANARY}", f"http:/{CANARY}", f"://{CANARY}",
        f"http://h /{CANARY}", f"http://{CANARY}\n@h", f"http://h?{CANARY}=1", f"http://h/%43{CANARY}",
    ],
)  # fmt: skip
def test_malformed_urls(url: str) -> None:
    """What cannot be told for sure is hidden."""
    assert CANARY not in redact_url(url)


@pytest.mark.parametrize(
    "command",
    [
        "-k @", "-k=@", "--pass @", "--pass=@", "--auth @", "AUTH=@ r", "--bearer @", "--credential @", "--api-key @",
        "--apikey=@", "--password 'a @'", "--password a\\ @", "--password \"a'@\"", "--pass a'@'", "--pass '@",
        "--pass ,@", "--pass a;@", "'--pass' '@'", '"--api-key=@"', "-private-key @", "env DB_PASSWORD=@ r",
        "-H 'Authorization: Bearer @'", "-H 'X-Api-Key: @'", "-u me:@", "-p @", "-p@1", "sh -c 'r --token @ && x'",
        "sh -c \"r --pass 'a @'\"", "--rpc http://h/v3/@", "--rpc=https://u:@@h,https://h/@", "RPC=https://h/?k=@ r",
        "'{\"apiKey\": \"@\"}'", "--jwt-secret @", "--mnemonic 'a b @'", "--pass -@", "--client-secret=@",
    ],
)  # fmt: skip
def test_commands(command: str) -> None:
    """The value of whatever is named like a secret is hidden, however it is quoted."""
    text = f"./r {command.replace('@', CANARY, 1).replace('/@', f'/{CANARY}')}"
    assert CANARY not in redact_command(text)


@pytest.mark.parametrize("text", ["KeyError: 'nonce'", "builtins.KeyError: 7"])
def test_errors_about_keys(text: str) -> None:
    """What a program stumbled over is no secret; a key that its words quote is one as ever."""
    assert redact_text(text) == text
    assert CANARY not in redact_text(f"{text}; api_key={CANARY}; InvalidKeyError: {CANARY}")


@pytest.mark.parametrize(
    "text", ["python relayer.py {session} --port 80 -p 8080 --poll 0.2", "./r --author Max --seed 42 key.py", "r 'a b'"]
)
def test_commands_without_secrets(text: str) -> None:
    """They stay as they are."""
    assert redact_command(text) == text


@pytest.mark.parametrize("value", [RedactedUrl(f"http://h/v3/{CANARY}"), RedactedCommand(f"r --key {CANARY}")])
def test_no_accident_shows_it(value: RedactedUrl | RedactedCommand) -> None:
    """Only `reveal` does."""
    kind = TypeAdapter(type(value))
    shown = [f"{value}", repr(value), f"{value!s:>40}", str([value]), json.dumps(kind.dump_python(value)), repr(vars)]
    shown += [kind.dump_json(value).decode(), repr(copy.deepcopy(value)), str({value: 1})]
    assert not [text for text in shown if CANARY in text]
    assert CANARY in value.reveal()
    assert value == type(value)(value.reveal())
    with pytest.raises(TypeError, match=r"reveal\(\)"):
        pickle.dumps(value)
    with pytest.raises(TypeError):
        json.dumps(value)


def test_in_a_record() -> None:
    """A field takes a text, and is written redacted."""
    record = Record.model_validate({"url": f"http://h/{CANARY}", "command": f"r --key {CANARY}"})
    assert CANARY not in record.model_dump_json() + repr(record) + str(record.model_dump())
    assert record.url.reveal() == f"http://h/{CANARY}"


def test_in_somebody_elses_text() -> None:
    """A library's error quotes a part of the URL, as it is or percent-encoded."""
    url = RedactedUrl(f"http://me:{CANARY}%21@h/v3/{CANARY}22")
    assert CANARY not in url.redact_in(f"host {CANARY}%21, {CANARY}!, /v3/{CANARY}22")
    for option in ("-k ", "--pass=", "AUTH=", "--rpc http://h/", "sh -c 'r --token ", "-p"):
        assert CANARY not in RedactedCommand(f"r {option}{CANARY}").redact_in(f"I was started with <{CANARY}>")


@pytest.mark.parametrize("text", ["key", "http://", "--pass ", "a.", "'", "-p", "0", "eyJ", "\\", "auth=", "ab abc "])
def test_long_texts_end(text: str) -> None:
    """No pattern looks at a text again and again: a bound that only an explosion passes."""
    assert redact_command(text * 3000) is not None
