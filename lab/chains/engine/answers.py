"""What an engine answers, up to a bound: its SDK would take a body of any size into memory, and unpack it, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.bounded_files import UnfitFile, bounded_json

if TYPE_CHECKING:
    import docker
    import requests

ANSWER_BYTES_MAX = 32 << 20
_CHUNK_BYTES = 64 << 10


def bound(client: docker.DockerClient) -> None:
    """Have the client read no longer answer, and agree with its engine on a version of the API.

    Raises DockerException where the engine says none.
    """
    api = client.api
    api.hooks["response"].append(_read)
    api._version = api._retrieve_server_version()  # type: ignore[attr-defined]  # no public way after the hook


def _read(response: requests.Response, *_: Any, stream: bool = False, **__: Any) -> None:
    """A body that is not streamed. Raises ConnectionError of requests."""
    import requests

    if stream:
        return
    body = bytearray()
    for part in response.iter_content(_CHUNK_BYTES):
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            response.close()
            raise requests.ConnectionError(f"expected an answer of at most {ANSWER_BYTES_MAX} bytes, got more")
    content = bytes(body)
    # All but logs is JSON, whatever the headers say.
    if not str(response.request.path_url).partition("?")[0].endswith("/logs"):
        try:
            bounded_json(content, "the answer")
        except UnfitFile as error:
            raise requests.ConnectionError(str(error)) from error
    response._content = content
