"""Where a Locust command listens: on this machine only, and on ports that no other load has.

Locust's own defaults are every interface and fixed ports, without authentication: anybody who reaches them starts a
load or joins one, and so does any page of a browser. Who wants that says so: --web-host, --master-bind-host, or the
variables and files that Locust reads.
"""

from __future__ import annotations

import socket
from typing import Any

from lab.chains.loopback import is_from_page

HOST = "127.0.0.1"
WEB_PORT = 8089


def keep_to_this_machine(parser: Any) -> None:
    """Change the defaults of Locust's parser; whatever its user sets still counts.

    The master and the workers of one command (--processes) get a free port of their own, and a web page whose default
    port is taken gets another. A master and workers that were started apart keep Locust's port to meet at.
    """
    parser.set_defaults(web_host=HOST, master_bind_host=HOST)
    parse = parser.parse_args

    def parse_args(*arguments: Any, **settings: Any) -> Any:
        options = parse(*arguments, **settings)
        alone = options.processes and not options.worker and not options.master
        if alone and options.master_bind_port == options.master_port == parser.get_default("master_port"):
            options.master_bind_port = options.master_port = free_port()
        if not options.headless and options.web_port == WEB_PORT and not is_free(options.web_host, WEB_PORT):
            options.web_port = free_port()
        return options

    parser.parse_args = parse_args


def keep_pages_out(web_ui: Any) -> None:
    """Let no page but Locust's own start or stop a load: Locust answers all, whatever Host and Origin they name.

    Not where its user chose to serve other machines (--web-host).
    """
    from flask import abort, request

    def guard() -> None:
        beside = request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and request.path != "/"
        if beside or is_from_page(request.host, request.headers.get("Origin"), web_ui.port, own=True):
            abort(403, "expected the Host of this page and its own Origin")

    if web_ui.host == HOST:
        web_ui.app.before_request(guard)


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """Whether somebody could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("" if host == "*" else host, port))
        except OSError:
            return False
    return True
