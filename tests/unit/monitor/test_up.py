"""What `lab monitor up` and the exporter refuse before anything is written or started."""

from __future__ import annotations

import json
import socket
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from lab.chains.answering import AnsweringHandler
from lab.commands.monitor.exporting import read_session
from lab.commands.monitor.up import Ports, run_all
from lab.errors import EnvironmentFailure, UsageError
from lab.model.chain.finality import Finality
from lab.model.session import Session, SessionChain
from lab.monitor.alerting.limits import Thresholds
from lab.monitor.exporter import check_session
from lab.monitor.servers import free_ports


def test_ports_are_three_and_free(tmp_path: Path) -> None:
    """The option is named, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = taken.getsockname()[1]
        one, other = free_ports(2)
        with pytest.raises(EnvironmentFailure, match=f"{busy}.*--prometheus-port"):
            run_all(tmp_path / "session.json", tmp_path / "out", Ports(one, busy, other), Thresholds())
    with pytest.raises(UsageError, match=f"--exporter-port {one} and --alertmanager-port {one}"):
        run_all(tmp_path / "session.json", tmp_path / "out", Ports(one, other, one), Thresholds())
    assert not (tmp_path / "out").exists()


def test_a_session_without_chains_is_nothing_to_watch(tmp_path: Path) -> None:
    """An exporter of nothing would look healthy."""
    path = tmp_path / "session.json"
    nothing: dict[str, Any] = {"chains": {}, "accounts": {}, "state_numbering": {}, "abi": []}
    words = dict.fromkeys(("run_id", "key_file", "store_path"), "x")
    path.write_text(
        json.dumps(
            {"schema_version": 1, "backend": "process", "clock": "virtual", "genesis_time": 1, **words, **nothing}
        )
    )
    assert Session.read(path).chains == {}
    with pytest.raises(UsageError, match="at least one chain"):
        read_session(path)


def test_endpoints_are_asked_at_once(tmp_path: Path) -> None:
    """One that hangs would keep each after it waiting; here each answers once both are asked."""
    both = threading.Barrier(2)

    class Handler(AnsweringHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if asked["method"] == "eth_chainId":
                both.wait(30)
            result = {"eth_chainId": "0x7", "eth_getCode": "0x01"}[asked["method"]]
            self.answer(200, json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}).encode())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        chain = SessionChain(
            name="optimism",
            network="optimism",
            chain_id=10,
            rpc_url=url,
            fallback_rpc_urls=(f"{url}/other",),
            contract="0x" + "5f" * 20,
            rollup="0x" + "11" * 20,
            finality=Finality(blocks=1),
            start_block=1,
            block_time_ms=2_000,
            mines_empty_blocks=True,
        )
        session = Session.model_construct(chains={"optimism": chain}, rpc_timeout_ms=60_000)
        with pytest.raises(UsageError, match=r"expected chain id 10 .* got 7"):
            check_session(session)
        server.shutdown()
